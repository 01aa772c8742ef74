import { packageLimits } from './limits.ts';
import { InvalidPackageError } from './refusal.ts';

/** One thing in a package, whatever it came in; `content` is to be read (or not) before the next one is asked for. */
export interface PackageEntry {
  /** Relative, without `.`, `..`, double or final slashes. */
  path: string;
  kind: 'file' | 'directory' | 'symlink' | 'hardlink';
  /** Permission bits, as `keptMode` makes them. */
  mode: number;
  /** Seconds since 1970. */
  mtime: number;
  /** Bytes; 0 unless a file. */
  size: number;
  /** Of a symlink: as it stands there; of a hard link: a path like `path`. */
  target: string | null;
  content(): AsyncIterable<Buffer>;
}

/** The mode of what came without one. */
export const plainMode = (kind: PackageEntry['kind'], isExecutable = false): number =>
  kind === 'directory' || kind === 'symlink' || isExecutable ? 0o755 : 0o644;

/**
 * A mode as it came, without setuid, setgid and sticky. The owner may always read and write, and enter a folder: a release
 * has to be unpacked, run and dropped.
 */
export const keptMode = (kind: PackageEntry['kind'], mode: number): number =>
  kind === 'symlink' ? plainMode(kind) : (mode & 0o777) | (kind === 'directory' ? 0o700 : 0o600);

/** 1980, where a source has no time of its own: the oldest that every archiver takes without a complaint. */
export const noTime = 315_532_800;

/** The content of what has none. */
export async function* nothing(): AsyncIterable<Buffer> {}

/** The clean form of an entry's name, '' for the root itself; refuses what leads out or can't be a name. */
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
