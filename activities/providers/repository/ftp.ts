// FTP and FTPS, passive mode only. Data connections go to the server's control address, whatever address it reports, and TLS
// verifies its certificate for them too. `ftps://` on port 990 (the default) is implicit TLS, on other ports AUTH TLS.
import { isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { PassThrough } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import { Client, enterPassiveModeIPv6, FileType, FTPError } from 'basic-ftp';
import type { FileInfo, FTPContext, FTPResponse } from 'basic-ftp';
import { connectForPassiveTransfer, parsePasvResponse } from 'basic-ftp/dist/transfer.js';
import { hostAndPort } from '../../../kit/repository-address.ts';
import { refused, unavailable } from '../error.ts';
import type { ProviderError } from '../error.ts';
import type { DirectoryEntry, FileStat } from '../runner/driver.ts';
import type { Destinations } from './destinations.ts';
import { byName } from './driver.ts';
import { plainMode } from './archive-entry.ts';
import type { Files, Repository, RepositoryPlace } from './driver.ts';
import { bounded, networkFailure } from './failures.ts';
import { changed } from './files.ts';
import { FtpNames } from './ftp-names.ts';
import { nameIn } from './names.ts';
import { InvalidPackageError } from './refusal.ts';

interface FtpOptions {
  destinations: Destinations;
  /** PEM of the trusted certificate authorities. */
  ca: () => string[];
  /** Idle timeout. */
  idleMs: number;
  /** Timeout of a whole read. */
  timeoutMs: number;
}

const provider = 'ftp';
const implicitPort = 990;
const hasControls = (text: string): boolean => /[\u0000-\u001f\u007f]/.test(text);

/** Maps negative replies: a wrong credential, the server's state, or the request. */
function failureOf(where: string, error: unknown): ProviderError {
  if (!(error instanceof FTPError) || !Number.isInteger(error.code)) {
    const isData = error instanceof Error && error.message.includes('open data connection');
    return isData ? unavailable(provider, `${where} opens no data connection`) : networkFailure(provider, where, error);
  }
  const { code, message } = error;
  if (code >= 400 && /\b(?:TLS|SSL|encrypt\w*)\b/i.test(message)) {
    return refused(provider, `${where} wants TLS: use an address with ftps (reply ${code})`);
  }
  if (code === 530 || code === 430 || code === 331 || code === 332) {
    return refused(provider, `${where} does not accept this user name and password`);
  }
  return code < 500
    ? unavailable(provider, `${where} can't serve now (reply ${code})`)
    : refused(provider, `${where} refuses (reply ${code})`);
}

/** Verifies the certificate for the entered name, at the checked address. */
function tlsOptions(host: string, ip: string, ca: string[]): ConnectionOptions {
  const lookup: LookupFunction = (_name, options, callback) => {
    const family = isIP(ip);
    if (options.all) callback(null, [{ address: ip, family }]);
    else callback(null, ip, family);
  };
  return { host, ca, lookup, ...(isIP(host) === 0 && { servername: host }) };
}

/** Passive mode that ignores the reported address: behind NAT it is unreachable. */
async function passiveMode(ftp: FTPContext): Promise<FTPResponse> {
  const reply = await ftp.request('PASV');
  const { remoteAddress } = ftp.socket;
  if (remoteAddress === undefined) throw new Error('the connection was closed');
  await connectForPassiveTransfer(remoteAddress, parsePasvResponse(reply.message).port, ftp);
  return reply;
}

/** A client whose data connections go to the control address, and whose texts are bytes. */
function clientOf(idleMs: number, names: FtpNames): Client {
  const client = new Client(idleMs);
  client.ftp.encoding = 'latin1';
  client.prepareTransfer = async (ftp) => {
    const extended = await enterPassiveModeIPv6(ftp).catch((error: unknown) => {
      if (client.closed) throw error;
      return null;
    });
    client.prepareTransfer = extended ? enterPassiveModeIPv6 : passiveMode;
    return extended ?? passiveMode(ftp);
  };
  const { parseList } = client;
  // Dates and owners may contain words too, which the parser expects as text.
  client.parseList = (came) => {
    const text = nameIn(names.encoding, Buffer.from(came, 'latin1'));
    if (text !== null && names.sent(text) === came) return parseList(text);
    const found = parseList(came);
    for (const info of found) {
      info.name = names.name(info.name);
      if (info.link !== undefined) info.link = names.name(info.link);
    }
    return found;
  };
  return client;
}

async function login(
  client: Client,
  { address, credential }: RepositoryPlace,
  names: FtpNames,
  { ip, ca }: { ip: string; ca: string[] },
): Promise<void> {
  const { scheme, host, port } = address;
  const isImplicit = scheme === 'ftps' && port === implicitPort;
  const connected = isImplicit
    ? client.connectImplicitTLS(ip, port, tlsOptions(host, ip, ca))
    : client.connect(ip, port);
  await connected.catch((error: unknown) => {
    // No login was sent yet: the server is full or closed.
    throw error instanceof FTPError
      ? unavailable(provider, `${hostAndPort(address)} can't serve now (reply ${error.code})`)
      : error;
  });
  if (scheme === 'ftps' && !isImplicit) {
    await client.useTLS(tlsOptions(host, ip, ca)).catch((error: unknown) => {
      throw error instanceof FTPError ? refused(provider, `${hostAndPort(address)} does not offer TLS`) : error;
    });
  }
  if (names.encoding === 'utf8') await client.sendIgnoringError('OPTS UTF8 ON');
  if (credential?.type === 'PASSWORD') {
    const [username, password] = [names.sent(credential.username), names.sent(credential.password)];
    if (username === null || password === null)
      throw refused(
        provider,
        'the user name or the password has characters that the encoding of the repository has not',
      );
    await client.login(username, password);
  } else await client.login();
  await client.useDefaultSettings();
  // The defaults turn it on.
  if (names.encoding !== 'utf8') await client.sendIgnoringError('OPTS UTF8 OFF');
}

const kinds: Record<FileType, DirectoryEntry['kind']> = {
  [FileType.Unknown]: 'other',
  [FileType.File]: 'file',
  [FileType.Directory]: 'directory',
  [FileType.SymbolicLink]: 'link',
};

/** Permission bits; without any, those of plain files and folders. */
const modeOf = ({ permissions, isDirectory }: FileInfo): number =>
  permissions
    ? permissions.user * 64 + permissions.group * 8 + permissions.world
    : plainMode(isDirectory ? 'directory' : 'file');

function entryOf(info: FileInfo): DirectoryEntry {
  const kind = kinds[info.type];
  const isLink = kind === 'link';
  const target = isLink ? (info.link ?? '') : null;
  return { name: info.name, kind, size: kind === 'file' ? info.size : 0, mode: modeOf(info), target };
}

/** Returns the positive reply, undefined for a missing file; throws other failures. */
async function unlessAbsent<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof FTPError && error.code >= 500 && error.code !== 530) return undefined;
    throw error;
  }
}

/** Looks a file up in its folder's listing: servers may lack SIZE, or refuse it as if the file were missing. */
async function listedFile(client: Client, path: string, names: FtpNames): Promise<FileStat | undefined> {
  const end = path.lastIndexOf('/');
  const name = names.name(path.slice(end + 1));
  const isThere = await unlessAbsent(() => client.cd(path.slice(0, end) || '/'));
  const found = isThere && (await unlessAbsent(() => client.list()));
  const info = found?.find((one) => one.name === name);
  if (found && !info) return { kind: 'absent', size: 0 };
  return info && (info.isFile ? { kind: 'file', size: info.size } : { kind: 'other', size: 0 });
}

/** Replies that reject the command itself, not the file. */
const isUnknownCommand = (error: unknown): boolean =>
  error instanceof FTPError && [500, 501, 502, 504].includes(error.code);

async function statOf(client: Client, path: string, where: string, names: FtpNames): Promise<FileStat> {
  const server = { knowsSize: true };
  const size = await unlessAbsent(() =>
    client.size(path).catch((error: unknown) => {
      server.knowsSize = !isUnknownCommand(error);
      throw error;
    }),
  );
  if (size !== undefined) return { kind: 'file', size };
  if (await unlessAbsent(() => client.cd(path))) return { kind: 'directory', size: 0 };
  const found = await listedFile(client, path, names);
  if (!found && !server.knowsSize) throw refused(provider, `${where} tells no sizes of files, and lists none`);
  return found ?? { kind: 'absent', size: 0 };
}

interface Where {
  root: string;
  where: string;
  entries: number;
  names: FtpNames;
}

function filesOf(client: Client, { root, where, entries, names }: Where): Files {
  const at = (path: string): string => `${root}${names.path(path)}`.replace(/(.)\/+$/, '$1');
  const asked = async <T>(work: () => Promise<T>): Promise<T> =>
    work().catch((error: unknown) => {
      throw failureOf(where, error);
    });
  return {
    stat: (path) => asked(async () => statOf(client, at(path), where, names)),
    list: (path) =>
      asked(async () => {
        await client.cd(at(path));
        const found = await client.list();
        if (found.length > entries) throw new InvalidPackageError('size', path, `more than ${entries} entries`);
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

/** The folder of an address, relative to the login folder unless its path begins with `%2F` (RFC 1738). */
async function folderOf(client: Client, path: string, where: string, names: FtpNames): Promise<string> {
  const below = names.path(decodedPath(path).slice(1));
  if (below.startsWith('/')) return below;
  const home = await client.pwd().catch((error: unknown) => {
    throw failureOf(where, error);
  });
  return `${home.replace(/\/+$/, '')}/${below}`.replace(/\/+$/, '');
}

/** Creates the driver of FTP and FTPS. */
export function createFtpRepository({ destinations, ca, idleMs, timeoutMs }: FtpOptions): Repository {
  return {
    async read(place, { signal, entries }, work) {
      const { address, credential } = place;
      const where = hostAndPort(address);
      if (credential?.type === 'SSH_PRIVATE_KEY') throw refused(provider, `${where} takes a password, no key`);
      if (credential && hasControls(credential.password))
        throw refused(provider, 'the password holds control characters');
      const ip = await destinations(provider, address);
      const names = new FtpNames(place.encoding ?? 'utf8');
      const client = clientOf(idleMs, names);
      try {
        return await bounded(provider, { signal, timeoutMs, end: () => client.close() }, async () => {
          await login(client, place, names, { ip, ca: ca() }).catch((error: unknown) => {
            throw failureOf(where, error);
          });
          const root = await folderOf(client, address.path, where, names);
          return work(filesOf(client, { root, where, entries, names }));
        });
      } finally {
        client.close();
      }
    },
  };
}

/** The folder of an address, without a trailing slash; '' is the root. */
export function decodedPath(path: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    throw new InvalidPackageError('path', null, 'the path of the repository is not well encoded');
  }
  if (decoded.split('/').includes('..') || decoded.includes('\0'))
    throw new InvalidPackageError('path', null, 'the path of the repository climbs by ".."');
  return decoded.replace(/\/+$/, '');
}
