// Files of a local host. An application's absolute path is mapped below the host's folder. Links are resolved first: one
// leading out of the folder is refused, one within it is allowed.
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import type { Stats } from 'node:fs';
import { chmod, lstat, mkdir, open, readdir, readlink, realpath, rename, rm, stat as statOf } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ProviderError, refused, unavailable } from '../error.ts';
import type { DirectoryEntry, FileStat, OutputBlock, PutOptions, RealPath } from './driver.ts';
import { checkPath, ensureWanted } from './check-paths.ts';

const provider = 'local';

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'failed';
}

/** The one mapping of system errors: permanent ones are refused. */
function fileError(error: unknown, path: string): ProviderError {
  if (error instanceof ProviderError) return error;
  const code = codeOf(error);
  const final = ['ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'EPERM', 'ELOOP', 'ENAMETOOLONG', 'EROFS'].includes(code);
  return (final ? refused : unavailable)(provider, `${path}: ${code}`);
}

/** Awaits `work` on `path`, mapping its failure to a ProviderError. */
export async function translated<T>(path: string, work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw fileError(error, path);
  });
}

async function realOrNull(path: string): Promise<string | null> {
  try {
    return await realpath(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return null;
    throw fileError(error, path);
  }
}

/** Maps `path` below `root`, by name alone. */
export function below(root: string, path: string): string {
  checkPath(provider, path);
  return join(root, path);
}

/** The real path of `path`, relative to `root`. */
export async function realPathIn(root: string, path: string): Promise<RealPath> {
  const real = await realOrNull(below(root, path));
  if (real === null) return { kind: 'absent' };
  const realRoot = await realpath(root);
  if (real === realRoot) return { kind: 'path', path: '/' };
  return real.startsWith(realRoot + sep) ? { kind: 'path', path: real.slice(realRoot.length) } : { kind: 'outside' };
}

/** The real path of `path`, null when it does not exist; refused when links lead out of `root`. */
export async function inside(root: string, path: string): Promise<string | null> {
  const real = await realOrNull(below(root, path));
  const realRoot = await realpath(root);
  if (real !== null && real !== realRoot && !real.startsWith(realRoot + sep)) {
    throw refused(provider, `${path} leads out of the host's folder`);
  }
  return real;
}

function kindOf(stats: Stats): 'file' | 'directory' | 'other' {
  return stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other';
}

export async function statFile(real: string | null): Promise<FileStat> {
  if (real === null) return { kind: 'absent', size: 0 };
  const stats = await statOf(real);
  return { kind: kindOf(stats), size: stats.isFile() ? stats.size : 0 };
}

/** `name` is bytes, as it may be invalid UTF-8; it is then shown with U+FFFD, as by other runners. */
async function entryOf(folder: string, name: Buffer): Promise<DirectoryEntry> {
  const path = Buffer.concat([Buffer.from(folder + sep), name]);
  const stats = await lstat(path);
  const isLink = stats.isSymbolicLink();
  return {
    name: name.toString(),
    kind: isLink ? 'link' : kindOf(stats),
    size: stats.isFile() ? stats.size : 0,
    mode: stats.mode & 0o7777,
    target: isLink ? await readlink(path) : null,
  };
}

export async function listFolder(real: string): Promise<DirectoryEntry[]> {
  const entries = await Promise.all((await readdir(real, 'buffer')).map((name) => entryOf(real, name)));
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Reads a part of a regular file (others are refused); empty past the end. */
export async function readPart(real: string, offset: number, length: number): Promise<OutputBlock> {
  const { kind, size } = await statFile(real);
  if (kind !== 'file') throw refused(provider, `${basename(real)} is not a file`);
  const data = Buffer.alloc(Math.max(0, Math.min(length, size - offset)));
  if (data.length === 0) return { data, size };
  const file = await open(real, 'r');
  try {
    const { bytesRead } = await file.read(data, 0, data.length, offset);
    return { data: data.subarray(0, bytesRead), size };
  } finally {
    await file.close();
  }
}

async function checksumOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  await handle.sync().finally(() => handle.close());
}

/** Creates missing folders of `path`, checking that each lies inside before the next. */
async function makeFolders(root: string, path: string): Promise<string> {
  const present = await inside(root, path);
  if (present !== null) return present;
  const parent = await makeFolders(root, dirname(path));
  const folder = join(parent, basename(path));
  await mkdir(folder, { recursive: true, mode: 0o755 });
  return folder;
}

type Placing = PutOptions & { mode: number };

async function copyVerified(source: string, folder: string, target: string, { sha256, mode, signal }: Placing) {
  const temporary = join(folder, `.slipway-${randomUUID()}`);
  try {
    const copy = createWriteStream(temporary, { flags: 'wx', mode: 0o600 });
    await pipeline(createReadStream(source), copy, { signal });
    const written = await checksumOf(temporary);
    if (written !== sha256) throw refused(provider, `${basename(target)}: the checksum is ${written}, not ${sha256}`);
    await chmod(temporary, mode);
    await sync(temporary);
    ensureWanted(provider, signal);
    await rename(temporary, target);
    await sync(folder);
  } catch (error) {
    ensureWanted(provider, signal);
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Puts a file of this machine at `path` below `root`: verified, then renamed into place. Idempotent. */
export async function putInto(root: string, path: string, source: string, options: PutOptions): Promise<void> {
  const { sha256, mode = 0o644, signal } = options;
  ensureWanted(provider, signal);
  const present = await inside(root, path);
  const { kind } = await statFile(present);
  if (kind === 'directory' || kind === 'other') throw refused(provider, `${path} is not a file`);
  if (present !== null && (await checksumOf(present)) === sha256) return chmod(present, mode);
  const folder = await makeFolders(root, dirname(path));
  await copyVerified(source, folder, join(folder, basename(path)), { ...options, mode });
}
