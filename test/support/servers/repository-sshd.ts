// OpenSSH's server for repositories: SFTP and git, for one user, by password and by key.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../harness.ts';
import type { Account } from './account.ts';
import { debian } from './install.ts';
import { freePort, listens, startServer } from './process.ts';

const program = '/usr/sbin/sshd';

interface RepositorySshd {
  port: number;
  /** The lines of known_hosts for it. */
  knownHosts: string;
  /** A file that holds them. */
  knownHostsFile: string;
  connections(): number;
  stop(): Promise<void>;
}

const configOf = (folder: string, port: number, { authorizedKeys }: Account, sftp: string): string =>
  [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${folder}/host`,
    `PidFile ${folder}/pid`,
    `AuthorizedKeysFile ${authorizedKeys}`,
    'PasswordAuthentication yes',
    'UsePAM no',
    'StrictModes no',
    `Subsystem sftp ${sftp}`,
    'LogLevel VERBOSE',
    '',
  ].join('\n');

/** `sftp`: what serves SFTP; a program is started by the user's shell. */
export async function startRepositorySshd(account: Account, sftp = 'internal-sftp'): Promise<RepositorySshd> {
  await debian(program, 'openssh-server');
  mkdirSync('/run/sshd', { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'slipway-repository-sshd-'));
  const port = await freePort();
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'host', '-f', join(folder, 'host')]);
  writeFileSync(join(folder, 'config'), configOf(folder, port, account, sftp));
  const [log, knownHostsFile] = [join(folder, 'log'), join(folder, 'known_hosts')];
  const key = readFileSync(join(folder, 'host.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
  const knownHosts = `[localhost]:${port} ${key}\n`;
  writeFileSync(knownHostsFile, knownHosts);
  const server = startServer(program, ['-D', '-E', log, '-f', join(folder, 'config')]);
  await eventually(() => listens(port), { timeout: 20_000 }).catch(() => {
    throw new Error(`sshd does not listen: ${server.said()}`);
  });
  const connected = (): number => readFileSync(log, 'utf8').split('Connection from ').length - 1;
  const before = connected();
  return {
    port,
    knownHosts,
    knownHostsFile,
    connections: () => connected() - before,
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
