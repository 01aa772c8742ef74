// Reads the entries of a tar, plain or gzipped, block by block. Our own reader, because npm `tar` skips unknown entries,
// which must be refused here, and `tar-stream` takes damaged extended headers and entries behind the end of the archive, and
// loses the bytes of names in other encodings.
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ByteReader } from './archive-bytes.ts';
import { cleanPath, keptMode, noTime, nothing } from './archive-entry.ts';
import type { PackageEntry } from './archive-entry.ts';
import type { Budget } from './limits.ts';
import { guessedName, utf8Name } from './names.ts';
import type { PackageNotes } from './notes.ts';
import { InvalidPackageError } from './refusal.ts';
import { decodeHeader } from './tar-header.ts';
import type { TarHeader } from './tar-header.ts';

const blockSize = 512;
const maximumMeta = 1024 * 1024;
const kinds: Partial<Record<string, PackageEntry['kind']>> = {
  '0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '5': 'directory',
  '7': 'file',
};
const specials: Partial<Record<string, string>> = {
  '3': 'a character device',
  '4': 'a block device',
  '6': 'a pipe',
  S: 'a sparse file',
};

/** What an extended header says of the next entry, over its own header. */
type Extension = Partial<Pick<TarHeader, 'path' | 'linkpath' | 'size' | 'mtime'>> & {
  /** Names are UTF-8 by the format, so no other encoding is tried. */
  isUtf8?: boolean;
};

function corrupt(text: string): InvalidPackageError {
  return new InvalidPackageError('corrupt', null, text);
}

/** The records of an extended header, `<length> <key>=<value>\n` with the length in bytes, by key. */
function* recordsIn(body: Buffer): Generator<[key: string, value: Buffer]> {
  for (let at = 0; at < body.length && body[at] !== 0;) {
    const space = body.indexOf(' ', at);
    const length = Number(body.toString('latin1', at, space));
    const record = body.subarray(space + 1, at + length - 1);
    const equals = record.indexOf('=');
    if (space < 0 || !(length > 0) || at + length > body.length || equals < 0) throw corrupt('a bad extended header');
    yield [record.toString('latin1', 0, equals), record.subarray(equals + 1)];
    at += length;
  }
}

function parsePax(body: Buffer): Extension {
  const found: Extension = {};
  let isBinary = false;
  for (const [key, value] of recordsIn(body)) {
    if (key.startsWith('GNU.sparse.')) throw new InvalidPackageError('special', null, 'a sparse file is not taken');
    if (key === 'path' || key === 'linkpath') found[key] = value;
    if (key === 'size') found.size = Number(value.toString('latin1'));
    if (key === 'mtime') found.mtime = Math.floor(Number(value.toString('latin1')));
    if (key === 'hdrcharset') isBinary = value.toString('latin1') === 'BINARY';
  }
  if (found.path ?? found.linkpath) found.isUtf8 = !isBinary;
  return found;
}

async function readMeta(bytes: ByteReader, size: number): Promise<Buffer> {
  if (size > maximumMeta) throw corrupt('an extended header of more than 1 MiB');
  const body = await bytes.read(size);
  await bytes.skip(-size & (blockSize - 1));
  return body;
}

/** Reads a header that only describes the next entry; null when `header` is an entry of its own. */
async function readExtension(bytes: ByteReader, header: TarHeader): Promise<Extension | null> {
  const text = (body: Buffer): Buffer => {
    const end = body.indexOf(0);
    return end < 0 ? body : body.subarray(0, end);
  };
  switch (header.type) {
    case 'x':
    case 'X':
      return parsePax(await readMeta(bytes, header.size));
    case 'g':
      // What git and others say of the whole archive (a comment); it may not rename anything.
      parsePax(await readMeta(bytes, header.size));
      return {};
    case 'L':
      return { path: text(await readMeta(bytes, header.size)), isUtf8: false };
    case 'K':
      return { linkpath: text(await readMeta(bytes, header.size)), isUtf8: false };
    default:
      return null;
  }
}

function kindOf({ type, size }: TarHeader, path: string): PackageEntry['kind'] {
  // Before there was a type for folders they were empty files whose name ends with a slash.
  const kind = type === '0' && path.endsWith('/') ? 'directory' : kinds[type];
  if (!kind)
    throw new InvalidPackageError('special', path, `${specials[type] ?? 'an entry of an unknown type'} is not taken`);
  if (!Number.isSafeInteger(size) || size < 0) throw new InvalidPackageError('corrupt', path, 'an impossible size');
  if (kind !== 'file' && size !== 0) throw new InvalidPackageError('corrupt', path, `a ${kind} with a content`);
  return kind;
}

function entryOf(header: TarHeader, extension: Extension, bytes: ByteReader, notes: PackageNotes): PackageEntry {
  const { mode, size, mtime } = { ...header, ...extension };
  // Only what an extended header itself says is UTF-8 by its word; a name that it leaves alone is the old field's.
  const nameOf = (key: 'path' | 'linkpath'): string =>
    extension.isUtf8 && extension[key] ? utf8Name(extension[key]) : guessedName(extension[key] ?? header[key], notes);
  const path = nameOf('path');
  const kind = kindOf({ ...header, size }, path);
  const isLink = kind === 'symlink' || kind === 'hardlink';
  const target = isLink ? nameOf('linkpath') : null;
  return {
    path: cleanPath(path),
    kind,
    mode: keptMode(kind, mode),
    mtime: mtime >= 0 && mtime < 2 ** 33 ? mtime : noTime,
    size,
    target: target !== null && kind === 'hardlink' ? cleanPath(target) : target,
    content: size > 0 ? () => bytes.chunks(size) : nothing,
  };
}

async function* entriesOf(bytes: ByteReader, notes: PackageNotes): AsyncGenerator<PackageEntry, void> {
  let pending: Extension = {};
  for (;;) {
    const header = decodeHeader(await bytes.read(blockSize));
    if (!header) break;
    const extension = await readExtension(bytes, header);
    if (extension) {
      pending = { ...pending, ...extension };
      continue;
    }
    const entry = entryOf(header, pending, bytes, notes);
    pending = {};
    const seen = { isRead: false };
    const { content } = entry;
    entry.content = () => {
      seen.isRead = true;
      return content();
    };
    if (entry.path !== '') yield entry;
    if (!seen.isRead) await bytes.skip(entry.size);
    await bytes.skip(-entry.size & (blockSize - 1));
  }
  await bytes.drain();
}

async function* counted(source: AsyncIterable<Buffer>, budget: Budget): AsyncGenerator<Buffer, void> {
  try {
    for await (const chunk of source) {
      budget.bytes(chunk.length, null);
      yield chunk;
    }
  } catch (error) {
    const isPacking = (error as NodeJS.ErrnoException).code?.startsWith('Z_');
    throw isPacking ? corrupt('the compressed data is damaged or cut short') : error;
  }
}

/** The entries of a tar file; each one's content must be read to its end, or not at all, before the next. */
export async function* tarEntries(
  file: string,
  isGzipped: boolean,
  budget: Budget,
  notes: PackageNotes,
): AsyncGenerator<PackageEntry, void> {
  const raw = createReadStream(file);
  const source = isGzipped ? pipeline(raw, createGunzip(), () => undefined) : raw;
  try {
    yield* entriesOf(new ByteReader(counted(source as AsyncIterable<Buffer>, budget)), notes);
  } finally {
    source.destroy();
    raw.destroy();
  }
}
