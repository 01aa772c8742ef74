// OpenSSH's server on a port of the loopback, for root, with keys made on the fly.
import { execFileSync } from 'node:child_process';
import { appendFileSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SshSettings } from '../../../activities/providers/runner/ssh/settings.ts';
import { eventually } from '../harness.ts';
import { debian } from './install.ts';
import { childrenOf, freePort, listens, startServer } from './process.ts';
import type { RunningServer } from './process.ts';

const program = '/usr/sbin/sshd';

export interface SshServer {
  readonly settings: SshSettings;
  /** A folder of the test, gone with the server. */
  readonly folder: string;
  /** Creates a key pair in the folder and returns the private key's file. */
  makeKey(name: string, type?: string): string;
  /** The line of known_hosts for a host of this name or address. */
  knownLine(host: string): string;
  /** Ends the server and its connections, and starts it again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

interface SshdOptions {
  /** Shells read their start files, and SFTP is a program that the user's shell starts. */
  startFiles?: boolean;
}

function configOf(folder: string, port: number, { startFiles = false }: SshdOptions): string {
  return [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${folder}/host_ed25519`,
    `HostKey ${folder}/host_ecdsa`,
    `AuthorizedKeysFile ${folder}/authorized_keys`,
    `PidFile ${folder}/pid`,
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'StrictModes no',
    'UsePAM no',
    `Subsystem sftp ${startFiles ? '/usr/lib/openssh/sftp-server' : 'internal-sftp'}`,
    // SHLVL keeps bash from reading this machine's .bashrc, however long that takes; TMPDIR makes all of it the run's.
    `SetEnv ${startFiles ? '' : 'SHLVL=2 '}TMPDIR=${tmpdir()}`,
    '',
  ].join('\n');
}

export async function startSshd(options: SshdOptions = {}): Promise<SshServer> {
  await debian(program, 'openssh-server');
  mkdirSync('/run/sshd', { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'slipway-sshd-'));
  const port = await freePort();
  const makeKey = (name: string, type = 'ed25519'): string => {
    const file = join(folder, name);
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', name, '-f', file]);
    return file;
  };
  for (const type of ['ed25519', 'ecdsa']) makeKey(`host_${type}`, type);
  const keyFile = makeKey('client');
  copyFileSync(`${keyFile}.pub`, join(folder, 'authorized_keys'));
  writeFileSync(join(folder, 'config'), configOf(folder, port, options));
  const knownLine = (host: string): string =>
    `[${host}]:${port} ${readFileSync(join(folder, 'host_ed25519.pub'), 'utf8').split(' ').slice(0, 2).join(' ')}\n`;
  const knownHosts = join(folder, 'known_hosts');
  appendFileSync(knownHosts, knownLine('127.0.0.1'));
  const start = async (): Promise<RunningServer> => {
    const made = startServer(program, ['-D', '-e', '-f', join(folder, 'config')]);
    await eventually(() => listens(port), { timeout: 20_000 }).catch(() => {
      throw new Error(`sshd does not listen: ${made.said()}`);
    });
    return made;
  };
  let server = await start();
  return {
    settings: { user: 'root', keyFile, port, knownHosts },
    folder,
    makeKey,
    knownLine,
    restart: async () => {
      const connections = childrenOf(server.pid);
      await server.stop();
      for (const pid of connections) process.kill(pid, 'SIGKILL');
      server = await start();
    },
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
