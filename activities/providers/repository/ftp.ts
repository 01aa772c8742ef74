// FTP and FTPS, passive mode only. Data connections go to the server that was spoken to, whatever it says, and over TLS its
// certificate counts for them too. `ftps://` on port 990 (the default) is TLS from the first byte, elsewhere AUTH TLS.
import { isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { PassThrough } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import { Client, FileType, FTPError } from 'basic-ftp';
import type { FileInfo } from 'basic-ftp';
import { hostAndPort } from '../../../kit/repository-address.ts';
import { refused, unavailable } from '../error.ts';
import type { ProviderError } from '../error.ts';
import type { DirectoryEntry } from '../runner/driver.ts';
import type { Destinations } from './destinations.ts';
import { byName } from './driver.ts';
import type { Files, Repository, RepositoryPlace } from './driver.ts';
import { bounded, networkFailure } from './failures.ts';
import { changed } from './files.ts';
import { PackageRefused } from './refusal.ts';

export interface FtpOptions {
  destinations: Destinations;
  /** PEM of the certificate authorities that count. */
  ca: () => string[];
  /** Of silence. */
  idleMs: number;
  /** For a whole reading. */
  timeoutMs: number;
}

const provider = 'ftp';
const implicitPort = 990;
const hasControls = (text: string): boolean => /[\u0000-\u001f\u007f]/.test(text);

/** Negative replies: the credential, the server's state, or what was asked for. */
function failureOf(where: string, error: unknown): ProviderError {
  if (!(error instanceof FTPError) || !Number.isInteger(error.code)) return networkFailure(provider, where, error);
  const { code } = error;
  if (code === 530 || code === 430 || code === 331 || code === 332) {
    return refused(provider, `${where} does not accept this user name and password`);
  }
  return code < 500
    ? unavailable(provider, `${where} can't serve now (reply ${code})`)
    : refused(provider, `${where} refuses (reply ${code})`);
}

/** What a connection by TLS is checked for: the name that was typed, at the address that was checked. */
function tlsOptions(host: string, ip: string, ca: string[]): ConnectionOptions {
  const lookup: LookupFunction = (_name, options, callback) => {
    const family = isIP(ip);
    if (options.all) callback(null, [{ address: ip, family }]);
    else callback(null, ip, family);
  };
  return { host, ca, lookup, ...(isIP(host) === 0 && { servername: host }) };
}

async function login(
  client: Client,
  { address, credential }: RepositoryPlace,
  ip: string,
  ca: string[],
): Promise<void> {
  const { scheme, host, port } = address;
  const isImplicit = scheme === 'ftps' && port === implicitPort;
  if (isImplicit) await client.connectImplicitTLS(ip, port, tlsOptions(host, ip, ca));
  else await client.connect(ip, port);
  if (scheme === 'ftps' && !isImplicit) {
    await client.useTLS(tlsOptions(host, ip, ca)).catch((error: unknown) => {
      throw error instanceof FTPError ? refused(provider, `${hostAndPort(address)} does not offer TLS`) : error;
    });
  }
  await client.sendIgnoringError('OPTS UTF8 ON');
  if (credential?.type === 'PASSWORD') await client.login(credential.username, credential.password);
  else await client.login();
  await client.useDefaultSettings();
}

const kinds: Record<FileType, DirectoryEntry['kind']> = {
  [FileType.Unknown]: 'other',
  [FileType.File]: 'file',
  [FileType.Directory]: 'directory',
  [FileType.SymbolicLink]: 'link',
};

/** Permission bits; a server that shows none has plain files. */
const modeOf = ({ permissions }: FileInfo): number =>
  permissions ? permissions.user * 64 + permissions.group * 8 + permissions.world : 0o644;

function entryOf(info: FileInfo): DirectoryEntry {
  const kind = kinds[info.type];
  const isLink = kind === 'link';
  const target = isLink ? (info.link ?? '') : null;
  return { name: info.name, kind, size: kind === 'file' ? info.size : 0, mode: modeOf(info), target };
}

/** Replies are positive, or tell that there is no such thing; the rest is a failure. */
async function unlessAbsent<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof FTPError && error.code >= 500 && error.code !== 530) return undefined;
    throw error;
  }
}

function filesOf(client: Client, root: string, where: string, entries: number): Files {
  const at = (path: string): string => {
    if (hasControls(path)) throw new PackageRefused('path', path, 'FTP has no control characters');
    return `${root}${path}`.replace(/(.)\/+$/, '$1');
  };
  const asked = async <T>(work: () => Promise<T>): Promise<T> =>
    work().catch((error: unknown) => {
      throw failureOf(where, error);
    });
  return {
    stat: (path) =>
      asked(async () => {
        const size = await unlessAbsent(() => client.size(at(path)));
        if (size !== undefined) return { kind: 'file', size };
        const isFolder = await unlessAbsent(() => client.cd(at(path)));
        return { kind: isFolder ? 'directory' : 'absent', size: 0 };
      }),
    list: (path) =>
      asked(async () => {
        await client.cd(at(path));
        const found = await client.list();
        if (found.length > entries) throw new PackageRefused('size', path, `more than ${entries} entries`);
        return found.map(entryOf).sort(byName);
      }),
    content: (path, size) => contentOf(client, at(path), size, where),
  };
}

async function* contentOf(client: Client, path: string, size: number, where: string): AsyncGenerator<Buffer, void> {
  const pipe = new PassThrough();
  const done = client.downloadTo(pipe, path).catch((error: unknown) => {
    const failure = failureOf(where, error);
    pipe.destroy(failure);
    throw failure;
  });
  done.catch(() => undefined);
  let left = size;
  for await (const chunk of pipe as AsyncIterable<Buffer>) {
    left -= chunk.length;
    if (left < 0) throw changed(path);
    yield chunk;
  }
  await done;
  if (left > 0) throw changed(path);
}

/** The folder of an address: below the one that a user is let in to, unless its path begins with `%2F` (RFC 1738). */
async function folderOf(client: Client, path: string, where: string): Promise<string> {
  const below = decodedPath(path).slice(1);
  if (below.startsWith('/')) return below;
  const home = await client.pwd().catch((error: unknown) => {
    throw failureOf(where, error);
  });
  return `${home.replace(/\/+$/, '')}/${below}`.replace(/\/+$/, '');
}

/** FTP and FTPS. */
export function createFtpRepository({ destinations, ca, idleMs, timeoutMs }: FtpOptions): Repository {
  return {
    async read(place, { signal, entries }, work) {
      const { address, credential } = place;
      const where = hostAndPort(address);
      if (credential?.type === 'SSH_PRIVATE_KEY') throw refused(provider, `${where} takes a password, no key`);
      if (credential && hasControls(credential.password))
        throw refused(provider, 'the password holds control characters');
      const ip = await destinations(provider, address);
      const client = new Client(idleMs);
      try {
        return await bounded(provider, { signal, timeoutMs, end: () => client.close() }, async () => {
          await login(client, place, ip, ca()).catch((error: unknown) => {
            throw failureOf(where, error);
          });
          return work(filesOf(client, await folderOf(client, address.path, where), where, entries));
        });
      } finally {
        client.close();
      }
    },
  };
}

/** The folder that an address names, without a slash at its end; '' is the root. */
export function decodedPath(path: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    throw new PackageRefused('path', null, 'the path of the repository is not well encoded');
  }
  if (decoded.split('/').includes('..') || decoded.includes('\0'))
    throw new PackageRefused('path', null, 'the path of the repository climbs by ".."');
  return decoded.replace(/\/+$/, '');
}
