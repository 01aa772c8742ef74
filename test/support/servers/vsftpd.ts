// vsftpd of Debian on a port of the loopback: plain, with AUTH TLS, or with TLS from the first byte.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../harness.ts';
import type { Certificates } from './account.ts';
import { debian } from './install.ts';
import { freePort, listens, startServer } from './process.ts';

const program = '/usr/sbin/vsftpd';

interface FtpServer {
  url: string;
  /** What the server shows. */
  folder: string;
  /** Control connections so far. */
  connections(): number;
  stop(): Promise<void>;
}

export interface FtpWish {
  tls?: { certificates: Certificates; isImplicit?: boolean };
  port?: number;
}

const yes = 'YES';

function configOf(folder: string, port: number, { tls }: FtpWish): string {
  const lines: Record<string, string | number> = {
    listen: yes,
    listen_address: '127.0.0.1',
    listen_port: port,
    background: 'NO',
    run_as_launching_user: 'NO',
    anonymous_enable: 'NO',
    local_enable: yes,
    local_root: join(folder, 'files'),
    pam_service_name: 'vsftpd',
    xferlog_enable: yes,
    vsftpd_log_file: join(folder, 'log'),
    seccomp_sandbox: 'NO',
    force_dot_files: yes,
    secure_chroot_dir: '/var/run/vsftpd/empty',
    ...(tls && {
      ssl_enable: yes,
      rsa_cert_file: tls.certificates.certificateFile,
      ssl_ciphers: 'HIGH',
      rsa_private_key_file: tls.certificates.keyFile,
      force_local_logins_ssl: yes,
      force_local_data_ssl: yes,
      implicit_ssl: tls.isImplicit ? yes : 'NO',
    }),
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

export async function startVsftpd(wish: FtpWish = {}): Promise<FtpServer> {
  await debian(program, 'vsftpd');
  mkdirSync('/var/run/vsftpd/empty', { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'slipway-vsftpd-'));
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'files'));
  const port = wish.port ?? (await freePort());
  writeFileSync(join(folder, 'log'), '');
  writeFileSync(join(folder, 'config'), configOf(folder, port, wish));
  const server = startServer(program, [join(folder, 'config')]);
  await eventually(() => listens(port), { timeout: 20_000 }).catch(() => {
    throw new Error(`vsftpd does not listen: ${server.said()}`);
  });
  const connected = () => readFileSync(join(folder, 'log'), 'utf8').split('CONNECT: Client').length - 1;
  const before = connected();
  return {
    url: `${wish.tls ? 'ftps' : 'ftp'}://localhost:${port}/`,
    folder: join(folder, 'files'),
    connections: () => connected() - before,
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
