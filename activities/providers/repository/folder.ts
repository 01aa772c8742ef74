// Reads a folder as a package, in the order of names. The plan fixes the SHA-256 of its manifest: a line per entry with
// kind, path, executable flag, content checksum or link target, and any non-default mode. Folders of default modes thus keep
// the checksum from before modes were included.
import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { DirectoryEntry } from '../runner/driver.ts';
import { cleanPath, keptMode, noTime, nothing, plainMode } from './archive-entry.ts';
import type { PackageEntry } from './archive-entry.ts';
import type { Files } from './driver.ts';
import type { Budget, PackageLimits } from './limits.ts';
import { checked, PackageReading, writeEntries } from './package.ts';
import { InvalidPackageError } from './refusal.ts';

const notUtf8 = 'not UTF-8: rename it, or pack the folder as a tar, whose names may be GBK';

function entryOf(files: Files, base: string, path: string, found: DirectoryEntry): PackageEntry {
  if (found.kind === 'other') throw new InvalidPackageError('special', path, 'neither file, folder nor link');
  if (found.target?.includes('\ufffd')) throw new InvalidPackageError('link', path, `its target is ${notUtf8}`);
  const kind = found.kind === 'link' ? 'symlink' : found.kind;
  return {
    path: cleanPath(path),
    kind,
    mode: keptMode(kind, found.mode),
    mtime: noTime,
    size: found.size,
    target: found.target,
    content: found.kind === 'file' ? () => files.content(posix.join(base, path), found.size) : nothing,
  };
}

async function* walk(files: Files, base: string, below: string, budget: Budget): AsyncGenerator<PackageEntry, void> {
  for (const found of await files.list(posix.join(base, below))) {
    // Joining a name such as ".." would change the path before it is checked.
    if (/^\.{0,2}$|[/\0]/.test(found.name)) throw new InvalidPackageError('path', found.name, 'not a name of a file');
    const path = posix.join(below, found.name);
    if (found.name.includes('\ufffd')) throw new InvalidPackageError('path', path, `the name is ${notUtf8}`);
    budget.bytes(found.size, path);
    yield entryOf(files, base, path, found);
    if (found.kind === 'directory') yield* walk(files, base, path, budget);
  }
}

function lineOf({ kind, path, mode, target }: PackageEntry, sha256: string): unknown[] {
  const isExecutable = kind === 'file' && (mode & 0o111) !== 0;
  const line = [kind, path, isExecutable, target ?? sha256];
  return mode === plainMode(kind, isExecutable) ? line : [...line, mode];
}

/** Writes the folder at `base` to `target` as a canonical tar. */
export async function writeFolder(files: Files, base: string, target: string, limits: PackageLimits) {
  const manifest = createHash('sha256');
  // A folder is not compressed, so the ratio limit does not apply.
  const reading = new PackageReading(Infinity, limits);
  const entries = checked(walk(files, base, '', reading.budget), reading);
  let size = 0;
  const made = await writeEntries(entries, target, async (writer, entry) => {
    const content = createHash('sha256');
    await writer.add(entry, (chunk) => content.update(chunk));
    manifest.update(`${JSON.stringify(lineOf(entry, content.digest('hex')))}\n`);
    size += entry.size;
  });
  return { ...made, sha256: manifest.digest('hex'), size };
}
