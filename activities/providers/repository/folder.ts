// A folder as a package: read entry by entry, in the order of names. What a plan fixes is the SHA-256 of its manifest, a
// line per entry with kind, path, whether it is executable, and the content's checksum or the link's target.
import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { DirectoryEntry } from '../runner/driver.ts';
import { noTime, nothing, cleanPath } from './entry.ts';
import type { PackageEntry } from './entry.ts';
import type { Files } from './driver.ts';
import { Budget } from './limits.ts';
import type { PackageLimits } from './limits.ts';
import { checked, writeEntries } from './package.ts';
import { PackageRefused } from './refusal.ts';

function entryOf(files: Files, base: string, path: string, found: DirectoryEntry): PackageEntry {
  if (found.kind === 'other') throw new PackageRefused('special', path, 'neither file, folder nor link');
  return {
    path: cleanPath(path),
    kind: found.kind === 'link' ? 'symlink' : found.kind,
    isExecutable: found.kind === 'file' && (found.mode & 0o111) !== 0,
    mtime: noTime,
    size: found.size,
    target: found.target,
    content: found.kind === 'file' ? () => files.content(posix.join(base, path), found.size) : nothing,
  };
}

async function* walk(files: Files, base: string, below: string, budget: Budget): AsyncGenerator<PackageEntry, void> {
  for (const found of await files.list(posix.join(base, below))) {
    // Joined, a name such as ".." would be another place before anybody has looked at it.
    if (/^\.{0,2}$|[/\0\ufffd]/.test(found.name)) throw new PackageRefused('path', found.name, 'not a name of a file');
    const path = posix.join(below, found.name);
    budget.bytes(found.size, path);
    yield entryOf(files, base, path, found);
    if (found.kind === 'directory') yield* walk(files, base, path, budget);
  }
}

/** Writes the folder at `base` as a canonical tar to `target`. */
export async function writeFolder(files: Files, base: string, target: string, limits: PackageLimits) {
  const manifest = createHash('sha256');
  // A folder is not packed: its size is what it is, so no ratio.
  const budget = new Budget(Infinity, limits);
  let size = 0;
  const made = await writeEntries(checked(walk(files, base, '', budget), budget), target, async (writer, entry) => {
    const content = createHash('sha256');
    await writer.add(entry, (chunk) => content.update(chunk));
    const { path, kind, isExecutable, target: link } = entry;
    manifest.update(`${JSON.stringify([kind, path, isExecutable, link ?? content.digest('hex')])}\n`);
    size += entry.size;
  });
  return { ...made, sha256: manifest.digest('hex'), size };
}
