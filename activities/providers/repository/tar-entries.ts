// Entries of a tar, plain or gzipped, read block by block. The walk is ours: npm `tar` skips what it does not know, and
// here whatever is not understood has to be refused.
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ByteReader } from './bytes.ts';
import { cleanPath, noTime, nothing } from './entry.ts';
import type { PackageEntry } from './entry.ts';
import type { Budget } from './limits.ts';
import { PackageRefused } from './refusal.ts';
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
type Extension = Partial<Pick<TarHeader, 'path' | 'linkpath' | 'size' | 'mtime'>>;

function corrupt(text: string): PackageRefused {
  return new PackageRefused('corrupt', null, text);
}

/** The records of an extended header: `<length> <key>=<value>\n`, the length in bytes. */
function parsePax(body: Buffer): Extension {
  const found: Extension = {};
  for (let at = 0; at < body.length && body[at] !== 0;) {
    const space = body.indexOf(' ', at);
    const length = Number(body.toString('latin1', at, space));
    const record = body.toString('utf8', space + 1, at + length - 1);
    const key = record.split('=', 1)[0] ?? '';
    if (space < 0 || !(length > 0) || at + length > body.length || key === record)
      throw corrupt('a bad extended header');
    const value = record.slice(key.length + 1);
    if (key.startsWith('GNU.sparse.')) throw new PackageRefused('special', found.path ?? null, 'a sparse file');
    if (key === 'path' || key === 'linkpath') found[key] = value;
    if (key === 'size') found.size = Number(value);
    if (key === 'mtime') found.mtime = Math.floor(Number(value));
    at += length;
  }
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
  const text = (body: Buffer): string => body.toString('utf8').replace(/\0[^]*$/, '');
  switch (header.type) {
    case 'x':
    case 'X':
      return parsePax(await readMeta(bytes, header.size));
    case 'g':
      // What git and others say of the whole archive (a comment); it may not rename anything.
      parsePax(await readMeta(bytes, header.size));
      return {};
    case 'L':
      return { path: text(await readMeta(bytes, header.size)) };
    case 'K':
      return { linkpath: text(await readMeta(bytes, header.size)) };
    default:
      return null;
  }
}

function kindOf({ type, path, size }: TarHeader): PackageEntry['kind'] {
  // Before there was a type for folders they were empty files whose name ends with a slash.
  const kind = type === '0' && path.endsWith('/') ? 'directory' : kinds[type];
  if (!kind)
    throw new PackageRefused('special', path, `${specials[type] ?? 'an entry of an unknown type'} is not taken`);
  if (!Number.isSafeInteger(size) || size < 0) throw new PackageRefused('corrupt', path, 'an impossible size');
  if (kind !== 'file' && size !== 0) throw new PackageRefused('corrupt', path, `a ${kind} with a content`);
  return kind;
}

function entryOf(header: TarHeader, bytes: ByteReader): PackageEntry {
  const { path, size, mtime } = header;
  const kind = kindOf(header);
  return {
    path: cleanPath(path),
    kind,
    isExecutable: (header.mode & 0o111) !== 0,
    mtime: mtime >= 0 && mtime < 2 ** 33 ? mtime : noTime,
    size,
    target: kind === 'symlink' ? header.linkpath : kind === 'hardlink' ? cleanPath(header.linkpath) : null,
    content: size > 0 ? () => bytes.chunks(size) : nothing,
  };
}

async function* entriesOf(bytes: ByteReader): AsyncGenerator<PackageEntry, void> {
  let pending: Extension = {};
  for (;;) {
    const header = decodeHeader(await bytes.read(blockSize));
    if (!header) break;
    const extension = await readExtension(bytes, header);
    if (extension) {
      pending = { ...pending, ...extension };
      continue;
    }
    const entry = entryOf({ ...header, ...pending }, bytes);
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
): AsyncGenerator<PackageEntry, void> {
  const raw = createReadStream(file);
  const source = isGzipped ? pipeline(raw, createGunzip(), () => undefined) : raw;
  try {
    yield* entriesOf(new ByteReader(counted(source as AsyncIterable<Buffer>, budget)));
  } finally {
    source.destroy();
    raw.destroy();
  }
}
