// SFTP through ssh2. The server must present a configured host key before anything is sent to it.
import { Client } from 'ssh2';
import type { ConnectConfig, FileEntryWithStats, ServerHostKeyAlgorithm, SFTPWrapper, Stats } from 'ssh2';
import { codeOf } from '../../../kit/error-code.ts';
import { hostAndPort } from '../../../kit/repository-address.ts';
import { ProviderError, refused, unavailable } from '../error.ts';
import { knownName, PinnedKeys } from '../ssh-known-hosts.ts';
import { sshPrivateKey } from '../ssh-private-key.ts';
import type { DirectoryEntry } from '../runner/driver.ts';
import type { Destinations } from './destinations.ts';
import { byName } from './driver.ts';
import type { Credential, Files, Repository } from './driver.ts';
import { bounded, networkFailure } from './failures.ts';
import { changed } from './files.ts';
import { decodedPath } from './ftp.ts';
import { InvalidPackageError } from './refusal.ts';

interface SftpOptions {
  destinations: Destinations;
  /** The text of a known_hosts file, null when none is configured. */
  knownHosts: () => string | null;
  /** Timeout of the login, and idle timeout afterwards. */
  idleMs: number;
  /** Timeout of a whole read. */
  timeoutMs: number;
}

const provider = 'sftp';
/** SFTP's status codes (draft-ietf-secsh-filexfer-02). */
const status = { eof: 1, noSuchFile: 2, permissionDenied: 3 } as const;

const levelOf = (error: unknown): unknown => (error instanceof Error && 'level' in error ? error.level : undefined);

function failureOf(where: string, error: unknown): ProviderError {
  if (error instanceof ProviderError) return error;
  if (levelOf(error) === 'client-authentication') {
    return refused(provider, `${where} does not accept this user name with this password or key`);
  }
  if (error instanceof Error && error.message.includes('Host denied')) {
    return refused(provider, `${where} shows a host key that is not in SLIPWAY_REPOSITORY_KNOWN_HOSTS`);
  }
  if (levelOf(error) === 'sftp-protocol') {
    const advice = "a start file of that user's shell must print nothing";
    return refused(provider, `${where} prints something before it speaks SFTP: ${advice}`);
  }
  if (levelOf(error) === 'handshake') return refused(provider, `${where} and Slipway share no way to speak SSH`);
  const code = codeOf(error);
  if (code === status.permissionDenied) return refused(provider, `${where} does not let this user read it`);
  if (typeof code === 'number') return refused(provider, `${where} refuses (status ${code})`);
  return networkFailure(provider, where, error);
}

/** Signature algorithms by key type; RSA keys are never used with SHA-1. */
const algorithms: Partial<Record<string, ServerHostKeyAlgorithm[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};

function secretsOf(credential: Credential | null): ConnectConfig {
  if (credential?.type === 'SSH_PRIVATE_KEY') {
    return { username: credential.username, privateKey: sshPrivateKey(credential.privateKey) };
  }
  if (credential) return { username: credential.username, password: credential.password, tryKeyboard: true };
  return { username: 'anonymous' };
}

async function connect(client: Client, config: ConnectConfig): Promise<SFTPWrapper> {
  return new Promise((resolve, reject) => {
    client.on('keyboard-interactive', (_name, _instructions, _language, prompts, finish) => {
      finish(prompts.map(() => config.password ?? ''));
    });
    client.on('error', reject);
    client.on('close', () => reject(new Error('the connection was closed')));
    client.on('ready', () => client.sftp((error, sftp) => (error ? reject(error) : resolve(sftp))));
    client.connect(config);
  });
}

type Callback<T> = (error: Error | null | undefined, value: T) => void;
const promised = <T>(ask: (callback: Callback<T>) => void): Promise<T> =>
  new Promise((resolve, reject) => ask((error, value) => (error ? reject(error) : resolve(value))));

const kindOf = (stats: Pick<Stats, 'isFile' | 'isDirectory' | 'isSymbolicLink'>): DirectoryEntry['kind'] =>
  stats.isSymbolicLink() ? 'link' : stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other';

async function listed(sftp: SFTPWrapper, path: string, most: number): Promise<FileEntryWithStats[]> {
  const handle = await promised<Buffer>((callback) => sftp.opendir(path, callback));
  const all: FileEntryWithStats[] = [];
  for (;;) {
    const part = await promised<FileEntryWithStats[]>((callback) => sftp.readdir(handle, callback)).catch(
      (error: unknown) => {
        if (codeOf(error) === status.eof) return null;
        throw error;
      },
    );
    if (part === null) break;
    all.push(...part.filter(({ filename }) => filename !== '.' && filename !== '..'));
    if (all.length > most) throw new InvalidPackageError('size', path, `more than ${most} entries`);
  }
  sftp.close(handle, () => undefined);
  return all;
}

function filesOf(sftp: SFTPWrapper, root: string, where: string, entries: number): Files {
  const at = (path: string): string => `${root}${path}`.replace(/(.)\/+$/, '$1');
  const asked = async <T>(work: () => Promise<T>): Promise<T> =>
    work().catch((error: unknown) => {
      throw failureOf(where, error);
    });
  const entryOf = async (folder: string, { filename, attrs }: FileEntryWithStats): Promise<DirectoryEntry> => {
    const stats = attrs;
    const kind = kindOf(stats);
    const target =
      kind === 'link' ? await promised<string>((callback) => sftp.readlink(`${folder}/${filename}`, callback)) : null;
    return { name: filename, kind, size: kind === 'file' ? stats.size : 0, mode: stats.mode & 0o7777, target };
  };
  return {
    stat: (path) =>
      asked(async () => {
        const stats = await promised<Stats>((callback) => sftp.stat(at(path), callback)).catch((error: unknown) => {
          if (codeOf(error) === status.noSuchFile) return null;
          throw error;
        });
        if (!stats) return { kind: 'absent', size: 0 };
        const kind = kindOf(stats);
        return { kind: kind === 'link' ? 'other' : kind, size: kind === 'file' ? stats.size : 0 };
      }),
    list: (path) =>
      asked(async () => {
        const found: DirectoryEntry[] = [];
        for (const one of await listed(sftp, at(path), entries)) found.push(await entryOf(at(path), one));
        return found.sort(byName);
      }),
    content: (path, size) => contentOf(sftp, at(path), size, where),
  };
}

async function* contentOf(sftp: SFTPWrapper, path: string, size: number, where: string): AsyncGenerator<Buffer, void> {
  let left = size;
  const stream = sftp.createReadStream(path, { highWaterMark: 256 * 1024 });
  // It closes its file after the last byte, which may fail on a closed connection.
  stream.on('error', () => undefined);
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      left -= chunk.length;
      if (left < 0) throw changed(path);
      yield chunk;
    }
  } catch (error) {
    throw failureOf(where, error);
  } finally {
    stream.destroy();
  }
  if (left > 0) throw changed(path);
}

/** Creates the driver of SFTP, by password or key. */
export function createSftpRepository({ destinations, knownHosts, idleMs, timeoutMs }: SftpOptions): Repository {
  return {
    async read({ address, credential }, { signal, entries }, work) {
      const { host, port, path } = address;
      const where = hostAndPort(address);
      const pinned = new PinnedKeys(knownHosts() ?? '', [knownName(host, port)]);
      const serverHostKey = pinned.types.flatMap((type) => algorithms[type] ?? []);
      if (serverHostKey.length === 0) {
        throw refused(provider, `the host key of ${where} is not in SLIPWAY_REPOSITORY_KNOWN_HOSTS`);
      }
      const ip = await destinations(provider, address);
      const client = new Client();
      const config: ConnectConfig = {
        host: ip,
        port,
        readyTimeout: idleMs,
        keepaliveInterval: idleMs,
        keepaliveCountMax: 1,
        hostVerifier: (shown: Buffer) => pinned.judge(shown) === 'known',
        algorithms: { serverHostKey },
        ...secretsOf(credential),
      };
      let lost: (error: unknown) => void = () => undefined;
      const gone = new Promise<never>((_resolve, reject) => {
        lost = reject;
      });
      gone.catch(() => undefined);
      try {
        return await bounded(provider, { signal, timeoutMs, end: () => client.destroy() }, async () => {
          const sftp = await connect(client, config).catch((error: unknown) => {
            throw failureOf(where, error);
          });
          // Pending requests may fail after the connection is closed; nothing awaits them.
          sftp.on('error', () => undefined);
          client.on('close', () => lost(unavailable(provider, `${where} closed the connection`)));
          return Promise.race([work(filesOf(sftp, decodedPath(path), where, entries)), gone]);
        });
      } finally {
        client.destroy();
      }
    },
  };
}
