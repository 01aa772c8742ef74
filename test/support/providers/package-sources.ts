// The two kinds of repositories that are deployed from as people do it, with the secret that opens each, and their ways
// to fail that an administrator or the owner of a credential brings about.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { tarOf, zipOf } from './archives.ts';
import { writeTree } from '../../providers/repository.suite.ts';
import { makeAccount, makeCertificates } from '../servers/account.ts';
import { debian } from '../servers/install.ts';
import { startGitServer } from '../servers/git-server.ts';
import { startRepositorySshd } from '../servers/repository-sshd.ts';
import { startVsftpd } from '../servers/vsftpd.ts';

/** What a worker is configured to trust; the files are read on every use. */
interface Trusted {
  knownHosts: string;
  caFile: string;
}

export interface PackageSource {
  repository: { type: 'GIT' | 'FTP'; url: string; branch?: string };
  username: string;
  /** As a credential carries it. */
  secret: { password: string } | { private_key: string };
  otherSecret: { password: string } | { private_key: string };
  /** Texts that must be nowhere. */
  secrets: string[];
  /** Makes the server one that is not trusted, or trusted again. */
  trust(isTrusted: boolean): void;
  connections(): number;
  stop(): Promise<void>;
}

export const packageName = (version: string): string => `pack/web-${version}.tar.gz`;

/** An archive that an upgrade unpacks to a release. */
export const packageOf = (version: string): Buffer =>
  gzipSync(tarOf([{ path: 'VERSION', content: `${version}\n` }]), { level: 9 });

const bomb = zipOf([{ path: 'zeros', content: Buffer.alloc(120 * 2 ** 20) }]);

function filesOf(versions: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-packages-'));
  writeTree(folder, {
    ...Object.fromEntries(versions.map((version) => [packageName(version), packageOf(version)])),
    'bad/slip.zip': zipOf([{ path: '../../../evil', content: 'x' }]),
    'bad/bomb.zip': bomb,
  });
  return folder;
}

/** The body of a key in the middle: its first line is that of every key. */
const middleOf = (privateKey: string): string => privateKey.split('\n')[2] ?? privateKey;

/** A repository of git over ssh, opened by a key. */
export async function gitOverSsh(versions: readonly string[], { knownHosts }: Trusted): Promise<PackageSource> {
  const [account, other] = [makeAccount(), makeAccount()];
  const [server, sshd] = [await startGitServer(), await startRepositorySshd(account)];
  server.commit(filesOf(versions));
  chmodSync(server.root, 0o755);
  execFileSync('chown', ['-R', account.username, join(server.root, 'shop.git')]);
  const foreign = `[localhost]:${sshd.port} ${publicKeyOf(other.authorizedKeys)}\n`;
  const trust = (isTrusted: boolean): void => writeFileSync(knownHosts, isTrusted ? sshd.knownHosts : foreign);
  trust(true);
  return {
    repository: { type: 'GIT', url: `ssh://localhost:${sshd.port}${server.root}/shop.git`, branch: 'main' },
    username: account.username,
    secret: { private_key: account.privateKey },
    otherSecret: { private_key: other.privateKey },
    secrets: [middleOf(account.privateKey), middleOf(other.privateKey)],
    trust,
    connections: sshd.connections,
    async stop() {
      await sshd.stop();
      await server.stop();
      account.remove();
      other.remove();
    },
  };
}

const publicKeyOf = (file: string): string =>
  execFileSync('cut', ['-d', ' ', '-f', '1,2', file], { encoding: 'utf8' }).trim();

/** A server of FTP with AUTH TLS, opened by a password. */
export async function ftpsServer(versions: readonly string[], { caFile }: Trusted): Promise<PackageSource> {
  await debian('/usr/bin/openssl', 'openssl');
  const account = makeAccount();
  const folders = [mkdtempSync(join(tmpdir(), 'slipway-ca-')), mkdtempSync(join(tmpdir(), 'slipway-ca-'))] as const;
  const [certificates, others] = [makeCertificates(folders[0]), makeCertificates(folders[1])];
  chmodSync(folders[0], 0o755);
  const server = await startVsftpd({ tls: { certificates } });
  cpSync(filesOf(versions), server.folder, { recursive: true });
  const trust = (isTrusted: boolean): void => writeFileSync(caFile, isTrusted ? certificates.ca : others.ca);
  trust(true);
  const otherPassword = 'not-the-password-4711';
  return {
    repository: { type: 'FTP', url: server.url },
    username: account.username,
    secret: { password: account.password },
    otherSecret: { password: otherPassword },
    secrets: [account.password, otherPassword],
    trust,
    connections: server.connections,
    async stop() {
      await server.stop();
      account.remove();
    },
  };
}
