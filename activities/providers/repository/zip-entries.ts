// Entries of a zip, through yauzl, which reads the directory at its end. Links and modes are those that unix zips carry.
// yauzl checks sizes and not checksums, so these are checked here.
import { crc32 } from 'node:zlib';
import { openPromise } from 'yauzl';
import type { Entry, ZipFile } from 'yauzl';
import { cleanPath, noTime, nothing } from './entry.ts';
import type { PackageEntry } from './entry.ts';
import type { Budget } from './limits.ts';
import { PackageRefused } from './refusal.ts';

const unixSystems = [3, 19];
const formats = { mask: 0o170000, link: 0o120000, directory: 0o040000, file: 0o100000 };
const maximumTarget = 4096;

/** What the libraries say of a zip holds no secret; errors of the file system are passed on. */
function translated(error: unknown, entry: string | null): unknown {
  const isSystems = error instanceof Error && 'syscall' in error;
  if (error instanceof PackageRefused || isSystems) return error;
  const text = error instanceof Error ? error.message : 'unreadable';
  const reason = /relative path|absolute path|invalid characters/.test(text) ? 'path' : 'corrupt';
  return new PackageRefused(reason, entry, `the zip archive is not taken: ${text}`);
}

async function* contentOf(zip: ZipFile, entry: Entry): AsyncGenerator<Buffer, void> {
  let sum = 0;
  try {
    for await (const chunk of (await zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>) {
      sum = crc32(chunk, sum);
      yield chunk;
    }
  } catch (error) {
    throw translated(error, entry.fileName);
  }
  if (sum !== entry.crc32) throw new PackageRefused('corrupt', entry.fileName, 'the checksum is wrong');
}

async function targetOf(zip: ZipFile, entry: Entry): Promise<string> {
  if (entry.uncompressedSize > maximumTarget) throw new PackageRefused('link', entry.fileName, 'a link too long');
  const parts: Buffer[] = [];
  for await (const chunk of contentOf(zip, entry)) parts.push(chunk);
  return Buffer.concat(parts).toString('utf8');
}

function kindOf(entry: Entry, mode: number): PackageEntry['kind'] {
  const format = mode & formats.mask;
  if (entry.fileName.endsWith('/')) return 'directory';
  if (format === formats.link) return 'symlink';
  if (format === formats.directory) return 'directory';
  if (format !== 0 && format !== formats.file) {
    throw new PackageRefused('special', entry.fileName, 'neither file, folder nor link');
  }
  return 'file';
}

function timeOf(entry: Entry): number {
  const seconds = Math.floor(entry.getLastModDate({ timezone: 'UTC' }).getTime() / 1000);
  return seconds >= 0 && seconds < 2 ** 33 ? seconds : noTime;
}

async function entryOf(zip: ZipFile, entry: Entry): Promise<PackageEntry> {
  const path = cleanPath(entry.fileName);
  if (!entry.canDecodeFileData()) {
    throw new PackageRefused('corrupt', entry.fileName, 'is encrypted, or compressed in a way that is not known');
  }
  const mode = unixSystems.includes(entry.versionMadeBy >>> 8) ? entry.externalFileAttributes >>> 16 : 0;
  const kind = kindOf(entry, mode);
  return {
    path,
    kind,
    isExecutable: kind === 'file' && (mode & 0o111) !== 0,
    mtime: timeOf(entry),
    size: kind === 'file' ? entry.uncompressedSize : 0,
    target: kind === 'symlink' ? await targetOf(zip, entry) : null,
    content: kind === 'file' ? () => contentOf(zip, entry) : nothing,
  };
}

/** The entries of a zip file; each one's content is read at once, before the next, or not at all. */
export async function* zipEntries(file: string, budget: Budget): AsyncGenerator<PackageEntry, void> {
  let zip: ZipFile | null = null;
  try {
    zip = await openPromise(file, { lazyEntries: true, autoClose: false, strictFileNames: true });
    for await (const entry of zip.eachEntry()) {
      budget.bytes(entry.uncompressedSize, entry.fileName);
      const found = await entryOf(zip, entry);
      if (found.path !== '') yield found;
    }
  } catch (error) {
    throw translated(error, null);
  } finally {
    zip?.close();
  }
}
