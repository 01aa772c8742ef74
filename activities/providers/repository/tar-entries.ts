// Entries of a tar, plain or gzipped, read block by block: headers are decoded by npm `tar`, the walk is ours, because
// its parser skips what it does not know, and here whatever is not understood has to be refused.
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Header } from 'tar';
import { ByteReader } from './bytes.ts';
import { cleanPath, noTime, nothing } from './entry.ts';
import type { PackageEntry } from './entry.ts';
import type { Budget } from './limits.ts';
import { PackageRefused } from './refusal.ts';

const blockSize = 512;
const maximumMeta = 1024 * 1024;
const kinds: Partial<Record<string, PackageEntry['kind']>> = {
  File: 'file',
  OldFile: 'file',
  ContiguousFile: 'file',
  Directory: 'directory',
  SymbolicLink: 'symlink',
  Link: 'hardlink',
};

/** What an extended header says of the next entry, over its own header. */
type Extension = { path?: string; linkpath?: string; size?: number; mtime?: Date };

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
    if (key === 'mtime') found.mtime = new Date(Number(value) * 1000);
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
async function readExtension(bytes: ByteReader, header: Header): Promise<Extension | null> {
  const text = (body: Buffer): string => body.toString('utf8').replace(/\0[^]*$/, '');
  switch (header.type) {
    case 'ExtendedHeader':
    case 'OldExtendedHeader':
      return parsePax(await readMeta(bytes, header.size ?? 0));
    case 'GlobalExtendedHeader':
      // What git and others say of the whole archive (a comment); it may not rename anything.
      parsePax(await readMeta(bytes, header.size ?? 0));
      return {};
    case 'NextFileHasLongPath':
    case 'OldGnuLongPath':
      return { path: text(await readMeta(bytes, header.size ?? 0)) };
    case 'NextFileHasLongLinkpath':
      return { linkpath: text(await readMeta(bytes, header.size ?? 0)) };
    default:
      return null;
  }
}

function entryOf(header: Header, bytes: ByteReader): PackageEntry {
  const name = header.path ?? '';
  const kind = name.endsWith('/') && header.type === 'File' ? 'directory' : kinds[header.type];
  if (!kind) throw new PackageRefused('special', name, `a ${header.type} is not taken`);
  const size = kind === 'file' ? (header.size ?? 0) : 0;
  if (kind.endsWith('link') && header.size) throw new PackageRefused('corrupt', name, 'a link with a content');
  const seconds = Math.floor((header.mtime?.getTime() ?? NaN) / 1000);
  return {
    path: cleanPath(name),
    kind,
    isExecutable: ((header.mode ?? 0) & 0o111) !== 0,
    mtime: seconds >= 0 && seconds < 2 ** 33 ? seconds : noTime,
    size,
    target:
      kind === 'symlink' ? (header.linkpath ?? '') : kind === 'hardlink' ? cleanPath(header.linkpath ?? '') : null,
    content: size > 0 ? () => bytes.chunks(size) : nothing,
  };
}

function decode(block: Buffer): Header {
  try {
    return new Header(block);
  } catch {
    throw corrupt('this is not a tar archive, or it is damaged');
  }
}

function checkSize(header: Header): void {
  const size = header.size ?? 0;
  if (!Number.isSafeInteger(size) || size < 0) throw corrupt('an entry of an impossible size');
}

function headerOf(block: Buffer): Header {
  const header = decode(block);
  if (header.nullBlock) return header;
  if (!header.cksumValid) throw corrupt('this is not a tar archive, or it is damaged');
  checkSize(header);
  return header;
}

async function* entriesOf(bytes: ByteReader): AsyncGenerator<PackageEntry, void> {
  let pending: Extension = {};
  for (;;) {
    const header = headerOf(await bytes.read(blockSize));
    if (header.nullBlock) break;
    const extension = await readExtension(bytes, header);
    if (extension) {
      pending = { ...pending, ...extension };
      continue;
    }
    // Not left to the header's constructor: that puts the header's own prefix before an extended path.
    checkSize(Object.assign(header, pending));
    pending = {};
    const entry = entryOf(header, bytes);
    let hasBeenRead = false;
    const content = entry.content;
    entry.content = () => {
      hasBeenRead = true;
      return content();
    };
    if (entry.path !== '') yield entry;
    if (!hasBeenRead) await bytes.skip(entry.size);
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
    const isPacking = String((error as NodeJS.ErrnoException).code ?? '').startsWith('Z_');
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
