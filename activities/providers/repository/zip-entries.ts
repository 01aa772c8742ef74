// Reads the entries of a zip through yauzl, which reads the central directory. Decodes names here, since yauzl takes
// unflagged ones for CP437, which is rarely right. Honours links and modes of unix zips. Verifies checksums, which yauzl
// does not.
import { crc32 } from 'node:zlib';
import { openPromise } from 'yauzl';
import type { Entry, ZipFile } from 'yauzl';
import { cleanPath, keptMode, noTime, nothing, plainMode } from './archive-entry.ts';
import type { PackageEntry } from './archive-entry.ts';
import type { Budget } from './limits.ts';
import { guessedName, nameIn, utf8Name } from './names.ts';
import type { PackageNotes } from './notes.ts';
import { InvalidPackageError } from './refusal.ts';

/** Systems that an entry was made on, by their numbers: those of unix, and those of Windows and its forebears. */
const unixSystems = [3, 19];
const windowsSystems = [0, 6, 10, 11, 14];
const formats = { mask: 0o170000, link: 0o120000, directory: 0o040000, file: 0o100000 };
const maximumTarget = 4096;
const utf8Flag = 0x800;
const unicodePath = 0x7075;

/** What the libraries say of a zip holds no secret; errors of the file system are passed on. */
function translated(error: unknown, entry: string | null): unknown {
  const isSystems = error instanceof Error && 'syscall' in error;
  if (error instanceof InvalidPackageError || isSystems) return error;
  const text = error instanceof Error ? error.message : 'unreadable';
  return new InvalidPackageError('corrupt', entry, `the zip archive is not taken: ${text}`);
}

const systemOf = ({ versionMadeBy }: Pick<Entry, 'versionMadeBy'>): number => versionMadeBy >>> 8;

/** The Unicode name that Info-ZIP adds to one in another encoding; null unless it matches this one. */
function unicodeName({ fileNameRaw, extraFields }: Entry): string | null {
  for (const { id, data } of extraFields) {
    const isKnown = id === unicodePath && data.length > 5 && data[0] === 1;
    if (isKnown && data.readUInt32LE(1) === crc32(fileNameRaw)) return nameIn('utf8', data.subarray(5));
  }
  return null;
}

/** The path of an entry; Windows' own tools have long written backslashes between its parts. */
function nameOf(entry: Entry, notes: PackageNotes): string {
  const isUtf8 = (entry.generalPurposeBitFlag & utf8Flag) !== 0;
  const name = unicodeName(entry) ?? (isUtf8 ? utf8Name(entry.fileNameRaw) : guessedName(entry.fileNameRaw, notes));
  return windowsSystems.includes(systemOf(entry)) ? name.replaceAll('\\', '/') : name;
}

async function* contentOf(zip: ZipFile, entry: Entry, name: string): AsyncGenerator<Buffer, void> {
  let sum = 0;
  try {
    for await (const chunk of (await zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>) {
      sum = crc32(chunk, sum);
      yield chunk;
    }
  } catch (error) {
    throw translated(error, name);
  }
  if (sum !== entry.crc32) throw new InvalidPackageError('corrupt', name, 'the checksum is wrong');
}

async function targetOf(zip: ZipFile, entry: Entry, name: string, notes: PackageNotes): Promise<string> {
  if (entry.uncompressedSize > maximumTarget) throw new InvalidPackageError('link', name, 'a link too long');
  const parts: Buffer[] = [];
  for await (const chunk of contentOf(zip, entry, name)) parts.push(chunk);
  return guessedName(Buffer.concat(parts), notes);
}

function kindOf(name: string, mode: number): PackageEntry['kind'] {
  const format = mode & formats.mask;
  if (name.endsWith('/')) return 'directory';
  if (format === formats.link) return 'symlink';
  if (format === formats.directory) return 'directory';
  if (format !== 0 && format !== formats.file) {
    throw new InvalidPackageError('special', name, 'neither file, folder nor link');
  }
  return 'file';
}

/** The mode in a unix zip; a missing one, or one of another kind, is ignored. */
function modeOf(kind: PackageEntry['kind'], mode: number): number {
  const format = mode & formats.mask;
  const isOther = format !== 0 && (kind === 'directory') !== (format === formats.directory);
  return mode === 0 || isOther ? plainMode(kind) : keptMode(kind, mode);
}

function timeOf(entry: Entry): number {
  const seconds = Math.floor(entry.getLastModDate({ timezone: 'UTC' }).getTime() / 1000);
  return seconds >= 0 && seconds < 2 ** 33 ? seconds : noTime;
}

async function entryOf(zip: ZipFile, entry: Entry, name: string, notes: PackageNotes): Promise<PackageEntry> {
  const path = cleanPath(name);
  if (!entry.canDecodeFileData()) {
    throw new InvalidPackageError('corrupt', name, 'is encrypted, or compressed in a way that is not known');
  }
  const mode = unixSystems.includes(systemOf(entry)) ? entry.externalFileAttributes >>> 16 : 0;
  const kind = kindOf(name, mode);
  return {
    path,
    kind,
    mode: modeOf(kind, mode),
    mtime: timeOf(entry),
    size: kind === 'file' ? entry.uncompressedSize : 0,
    target: kind === 'symlink' ? await targetOf(zip, entry, name, notes) : null,
    content: kind === 'file' ? () => contentOf(zip, entry, name) : nothing,
  };
}

/** The entries of a zip file; each one's content is read at once, before the next, or not at all. */
export async function* zipEntries(
  file: string,
  budget: Budget,
  notes: PackageNotes,
): AsyncGenerator<PackageEntry, void> {
  let zip: ZipFile | null = null;
  try {
    zip = await openPromise(file, { lazyEntries: true, autoClose: false, decodeStrings: false });
    for await (const entry of zip.eachEntry()) {
      const name = nameOf(entry, notes);
      budget.bytes(entry.uncompressedSize, name);
      const found = await entryOf(zip, entry, name, notes);
      if (found.path !== '') yield found;
    }
  } catch (error) {
    throw translated(error, null);
  } finally {
    zip?.close();
  }
}
