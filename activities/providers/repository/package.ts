import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { posix } from 'node:path';
import type { PackageNote } from '../../../workflows/deploy/contract.ts';
import { exhaust } from './archive-bytes.ts';
import { TarWriter } from './archive-canonical.ts';
import { cleanPath, noTime, plainMode } from './archive-entry.ts';
import type { PackageEntry } from './archive-entry.ts';
import { Budget, packageLimits } from './limits.ts';
import type { PackageLimits } from './limits.ts';
import { PackageNotes } from './notes.ts';
import { tarEntries } from './tar-entries.ts';
import { PackageTree } from './archive-tree.ts';
import { zipEntries } from './zip-entries.ts';

type PackageFormat = 'zip' | 'tar' | 'tar.gz' | 'plain';

/** The package format by name alone; the content must agree. */
export function formatOf(name: string): PackageFormat {
  const lower = name.toLowerCase();
  if (lower.endsWith('.zip')) return 'zip';
  if (lower.endsWith('.tar.gz') || lower.endsWith('.tgz')) return 'tar.gz';
  return lower.endsWith('.tar') ? 'tar' : 'plain';
}

async function isProgram(file: string): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    const start = buffer.toString('latin1', 0, bytesRead);
    return start.startsWith('#!') || start === '\x7fELF';
  } finally {
    await handle.close();
  }
}

/** A plain file has no mode: its first bytes show whether it is executable. */
async function* plainEntry(file: string, name: string, size: number): AsyncGenerator<PackageEntry, void> {
  yield {
    path: cleanPath(posix.basename(name)),
    kind: 'file',
    mode: plainMode('file', await isProgram(file)),
    mtime: noTime,
    size,
    target: null,
    content: () => createReadStream(file) as AsyncIterable<Buffer>,
  };
}

/** The state of reading a package: limits, counts and decisions. */
export class PackageReading {
  readonly limits: PackageLimits;
  readonly budget: Budget;
  readonly notes = new PackageNotes();

  constructor(packedBytes: number, limits: PackageLimits) {
    this.limits = limits;
    this.budget = new Budget(packedBytes, limits);
  }
}

function entriesOf(file: string, name: string, size: number, reading: PackageReading) {
  const { budget, notes } = reading;
  const format = formatOf(name);
  if (format === 'zip') return zipEntries(file, budget, notes);
  if (format === 'plain') return plainEntry(file, name, size);
  return tarEntries(file, format === 'tar.gz', budget, notes);
}

/** Checks each entry as it passes, and finally the resulting tree; throws InvalidPackageError. */
export async function* checked(
  entries: AsyncIterable<PackageEntry>,
  { limits, budget, notes }: PackageReading,
): AsyncGenerator<PackageEntry, void> {
  const tree = new PackageTree(limits.linkTargets, notes);
  for await (const entry of entries) {
    budget.entry(entry.path);
    if (tree.add(entry)) yield entry;
  }
  tree.finish();
}

/** Reads and discards a whole package: refuses the same as `writeCanonical`. */
export async function inspectPackage(
  file: string,
  name: string,
  limits: PackageLimits = packageLimits,
): Promise<{ kind: 'archive' | 'plain'; entries: number; size: number }> {
  const { size } = await stat(file);
  const reading = new PackageReading(size, limits);
  let entries = 0;
  for await (const entry of checked(entriesOf(file, name, size, reading), reading)) {
    entries += 1;
    await exhaust(entry.content());
  }
  return { kind: formatOf(name) === 'plain' ? 'plain' : 'archive', entries, size };
}

/** Writes entries as a canonical tar to `target` (which must not exist); after a failure the caller removes it. */
export async function writeEntries(
  entries: AsyncIterable<PackageEntry>,
  target: string,
  add: (writer: TarWriter, entry: PackageEntry) => Promise<void> = (writer, entry) => writer.add(entry),
): Promise<{ tarSha256: string; entries: number }> {
  const writer = new TarWriter(target);
  let count = 0;
  try {
    for await (const entry of entries) {
      await add(writer, entry);
      count += 1;
    }
    return { tarSha256: await writer.finish(), entries: count };
  } catch (error) {
    writer.abandon();
    throw error;
  }
}

/** Converts any accepted package file to a canonical tar at `target`; deterministic for equal bytes and name. */
export async function writeCanonical(
  file: string,
  name: string,
  target: string,
  limits: PackageLimits = packageLimits,
): Promise<{ tarSha256: string; entries: number; notes?: PackageNote[] }> {
  const { size } = await stat(file);
  const reading = new PackageReading(size, limits);
  const made = await writeEntries(checked(entriesOf(file, name, size, reading), reading), target);
  const notes = reading.notes.list();
  return { ...made, ...(notes.length > 0 && { notes }) };
}
