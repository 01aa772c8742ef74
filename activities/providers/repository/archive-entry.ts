import { packageLimits } from './limits.ts';
import { InvalidPackageError } from './refusal.ts';

/** One entry of a package in any format; `content` is read or skipped before the next entry is requested. */
export interface PackageEntry {
  /** Relative, without `.`, `..`, double or final slashes. */
  path: string;
  kind: 'file' | 'directory' | 'symlink' | 'hardlink';
  /** Permission bits, normalised by `keptMode`. */
  mode: number;
  /** Seconds since 1970. */
  mtime: number;
  /** Bytes; 0 unless a file. */
  size: number;
  /** For a symlink, verbatim; for a hard link, a path like `path`. */
  target: string | null;
  content(): AsyncIterable<Buffer>;
}

/** The mode of entries without one. */
export const plainMode = (kind: PackageEntry['kind'], isExecutable = false): number =>
  kind === 'directory' || kind === 'symlink' || isExecutable ? 0o755 : 0o644;

/**
 * Removes setuid, setgid and sticky. The owner may always read and write, and enter folders: a release must be unpacked, run
 * and deleted.
 */
export const keptMode = (kind: PackageEntry['kind'], mode: number): number =>
  kind === 'symlink' ? plainMode(kind) : (mode & 0o777) | (kind === 'directory' ? 0o700 : 0o600);

/** 1980, for sources without times: the oldest that every archiver accepts without warnings. */
export const noTime = 315_532_800;

/** Empty content. */
export async function* nothing(): AsyncIterable<Buffer> {}

/** Normalises an entry's name, '' for the root; refuses names that lead outside or are invalid. */
export function cleanPath(name: string): string {
  const refuse = (text: string): never => {
    throw new InvalidPackageError('path', name, text);
  };
  if (name.includes('\0') || name.includes('\\')) refuse('the name holds a NUL or a backslash');
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name)) refuse('an absolute path');
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) refuse('climbs out by ".."');
  if (parts.some((part) => Buffer.byteLength(part) > packageLimits.nameBytes)) refuse('a name is too long');
  const path = parts.join('/');
  if (Buffer.byteLength(path) > packageLimits.pathBytes) refuse('the path is too long');
  return path;
}
