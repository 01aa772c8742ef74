import { chmodSync, cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Credential, RepositoryPlace } from '../../activities/providers/repository/driver.ts';
import { repositoryAddress } from '../../kit/repository-address.ts';
import { packagesIn } from '../support/providers/packages.ts';
import { describeRepository } from './repository.suite.ts';
import type { RepositoryUnderTest } from './repository.suite.ts';
import { expectRefusal } from './runner.suite.ts';
import { makeAccount, makeCertificates } from '../support/servers/account.ts';
import { startRepositorySshd } from '../support/servers/repository-sshd.ts';
import { startVsftpd } from '../support/servers/vsftpd.ts';
import type { FtpWish } from '../support/servers/vsftpd.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-ftp-provider-'));
chmodSync(folder, 0o755);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function ftpPlace(url: string, credential: Credential | null): RepositoryPlace {
  const address = repositoryAddress('FTP', url);
  if (!address) throw new Error(`not an address: ${url}`);
  return { url, address, branch: null, credential };
}

function replace(target: string, files: string): void {
  for (const name of readdirSync(target)) rmSync(join(target, name), { recursive: true });
  cpSync(files, target, { recursive: true, verbatimSymlinks: true });
}

async function ftp(kind: 'plain' | 'explicit' | 'implicit'): Promise<RepositoryUnderTest> {
  const account = makeAccount();
  const certificates = makeCertificates(mkdtempSync(join(folder, 'certificates-')));
  const wishes: Record<typeof kind, FtpWish> = {
    plain: {},
    explicit: { tls: { certificates } },
    implicit: { tls: { certificates, isImplicit: true }, port: 990 },
  };
  const server = await startVsftpd(wishes[kind]);
  const { username, password } = account;
  const right: Credential = { type: 'PASSWORD', username, password };
  const secret = 'not-the-password-4711';
  return {
    options: { ca: () => [certificates.ca] },
    fill: (files) => replace(server.folder, files),
    place: () => ftpPlace(server.url, right),
    wrong: () => ({ place: ftpPlace(server.url, { ...right, password: secret }), secret }),
    at: (port) => ftpPlace(`ftp://localhost:${port}/`, right),
    connections: server.connections,
    stop: async () => {
      await server.stop();
      account.remove();
    },
  };
}

describeRepository('FTP', () => ftp('plain'));
describeRepository('FTPS with AUTH TLS', () => ftp('explicit'));
describeRepository('FTPS with TLS from the beginning', () => ftp('implicit'));

describe('FTPS', () => {
  test('refuses a certificate that it does not know, and a server that offers no TLS', async () => {
    const certificates = makeCertificates(mkdtempSync(join(folder, 'certificates-')));
    const [tls, plain] = [await startVsftpd({ tls: { certificates } }), await startVsftpd()];
    const packages = packagesIn(mkdtempSync(join(folder, 'data-')));
    await expectRefusal(packages.fetch(ftpPlace(tls.url, null), 'a'), 'refused', 'certificate');
    await expectRefusal(packages.fetch(ftpPlace(plain.url.replace('ftp', 'ftps'), null), 'a'), 'refused', 'TLS');
    await tls.stop();
    await plain.stop();
  });
});

async function sftp(by: 'password' | 'key'): Promise<RepositoryUnderTest> {
  const [account, other] = [makeAccount(), makeAccount()];
  const sshd = await startRepositorySshd(account);
  const root = mkdtempSync(join(folder, 'sftp-'));
  chmodSync(root, 0o755);
  const url = (port: number): string => `sftp://localhost:${port}${root}`;
  const { username, password, privateKey } = account;
  const right: Credential =
    by === 'password' ? { type: 'PASSWORD', username, password } : { type: 'SSH_PRIVATE_KEY', username, privateKey };
  const wrong: Credential =
    by === 'password'
      ? { ...right, type: 'PASSWORD', password: 'wrong-4711' }
      : { ...right, type: 'SSH_PRIVATE_KEY', privateKey: other.privateKey };
  return {
    options: { knownHosts: () => sshd.knownHosts.replace(/:\d+/, ':*') },
    fill: (files) => replace(root, files),
    place: () => ftpPlace(url(sshd.port), right),
    wrong: () => ({
      place: ftpPlace(url(sshd.port), wrong),
      secret: wrong.type === 'PASSWORD' ? wrong.password : wrong.privateKey,
    }),
    at: (port) => ftpPlace(url(port), right),
    connections: sshd.connections,
    stop: async () => {
      await sshd.stop();
      account.remove();
      other.remove();
    },
  };
}

describeRepository('SFTP with a password', () => sftp('password'));
describeRepository('SFTP with a key', () => sftp('key'));

test('SFTP is refused in words where a start file of the shell prints something', async () => {
  const account = makeAccount();
  const sshd = await startRepositorySshd(account, '/usr/lib/openssh/sftp-server');
  writeFileSync(join(dirname(account.authorizedKeys), '.bashrc'), 'echo "Welcome to files"\n');
  const { username, privateKey } = account;
  const place = ftpPlace(`sftp://localhost:${sshd.port}/tmp`, { type: 'SSH_PRIVATE_KEY', username, privateKey });
  const packages = packagesIn(mkdtempSync(join(folder, 'data-')), { knownHosts: () => sshd.knownHosts });
  await expectRefusal(packages.fetch(place, 'a'), 'refused', 'prints something before it speaks SFTP');
  await sshd.stop();
  account.remove();
});
