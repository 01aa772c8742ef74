// Archives built byte by byte, so that they can be as wrong as needed.
import { crc32, deflateRawSync } from 'node:zlib';
import { Header, Pax } from 'tar';

export interface Item {
  /** Bytes: as they are, in a tar of the old kind. */
  path: string | Buffer;
  content?: string | Buffer;
  mode?: number;
  /** Of a tar: `SymbolicLink`, `Link`, `CharacterDevice`, … */
  type?: string;
  linkpath?: string;
  mtime?: Date;
  /** What a zip says of the size, when it lies. */
  claims?: number;
  crc?: number;
  flags?: number;
  /** The system that a zip says an entry was made on; unix unless given. */
  system?: number;
  /** Extra fields of a zip. */
  extra?: Buffer;
}

const time = new Date('2024-05-06T07:08:10Z');

/** Puts the right checksum into a header, or that of archivers which added up signed numbers. */
export function withSum(block: Buffer, isSigned = false): Buffer {
  block.write('        ', 148);
  const valueOf = (byte: number): number => (isSigned && byte > 0x7f ? byte - 256 : byte);
  const sum = block.subarray(0, 512).reduce((total, byte) => total + valueOf(byte), 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** An item whose name is these bytes, in the format of GNU if it is a long one. */
function rawTarItem({ path, ...item }: Item & { path: Buffer }): Buffer {
  const bytes = tarItem({ path: 'x', ...item });
  bytes[0] = 0;
  path.copy(bytes, 0, 0, 100);
  const long =
    path.length > 100 ? tarItem({ path: '././@LongLink', content: Buffer.concat([path, Buffer.alloc(1)]) }) : null;
  if (long) long.write('L', 156);
  return Buffer.concat([...(long ? [withSum(long)] : []), withSum(bytes)]);
}

function tarItem({ path, ...item }: Item): Buffer {
  return typeof path === 'string' ? namedTarItem({ path, ...item }) : rawTarItem({ path, ...item });
}

function namedTarItem(item: Item & { path: string }): Buffer {
  const { path, content = '', mode = 0o644, type = 'File', linkpath, mtime = time } = item;
  const body = Buffer.from(content);
  const size = type === 'File' ? body.length : 0;
  const link = linkpath === undefined ? {} : { linkpath };
  const header = new Header({ path, mode, size, mtime, type: type as 'File', uid: 501, gid: 20, uname: 'me', ...link });
  const block = Buffer.alloc(512);
  const pax = header.encode(block) ? [new Pax({ path, ...link }).encode()] : [];
  return Buffer.concat([...pax, block, body, Buffer.alloc(-body.length & 511)]);
}

/** A tar of these items, with its end. */
export function tarOf(items: Item[]): Buffer {
  return Buffer.concat([...items.map(tarItem), Buffer.alloc(1024)]);
}

function zipLocal(name: Buffer, packed: Buffer, size: number, sum: number, flags: number): Buffer {
  const head = Buffer.alloc(30);
  head.writeUInt32LE(0x04034b50, 0);
  head.writeUInt16LE(20, 4);
  head.writeUInt16LE(flags, 6);
  head.writeUInt16LE(8, 8);
  head.writeUInt32LE(sum, 14);
  head.writeUInt32LE(packed.length, 18);
  head.writeUInt32LE(size, 22);
  head.writeUInt16LE(name.length, 26);
  return Buffer.concat([head, name, packed]);
}

interface Central {
  name: Buffer;
  packed: Buffer;
  size: number;
  sum: number;
  flags: number;
  mode: number;
  system: number;
  extra: Buffer;
  at: number;
}

function zipCentral({ name, packed, size, sum, flags, mode, system, extra, at }: Central): Buffer {
  const head = Buffer.alloc(46);
  head.writeUInt32LE(0x02014b50, 0);
  head.writeUInt16LE((system << 8) | 20, 4);
  head.writeUInt16LE(20, 6);
  head.writeUInt16LE(flags, 8);
  head.writeUInt16LE(8, 10);
  head.writeUInt16LE(((2024 - 1980) << 9) | (5 << 5) | 6, 14);
  head.writeUInt32LE(sum, 16);
  head.writeUInt32LE(packed.length, 20);
  head.writeUInt32LE(size, 24);
  head.writeUInt16LE(name.length, 28);
  head.writeUInt16LE(extra.length, 30);
  head.writeUInt32LE((mode << 16) >>> 0, 38);
  head.writeUInt32LE(at, 42);
  return Buffer.concat([head, name, extra]);
}

/** A zip of these items, made on unix unless they say otherwise; `mode` holds the format bits too (0o120777 is a link). */
export function zipOf(items: Item[]): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let at = 0;
  for (const { path, content = '', mode = 0o100644, claims, crc, flags = 0x800, ...item } of items) {
    const [name, body] = [Buffer.from(path as string), Buffer.from(content)];
    const [packed, size, sum] = [deflateRawSync(body), claims ?? body.length, crc ?? crc32(body)];
    const local = zipLocal(name, packed, size, sum, flags);
    const { system = 3, extra = Buffer.alloc(0) } = item;
    centrals.push(zipCentral({ name, packed, size, sum, flags, mode, system, extra, at }));
    locals.push(local);
    at += local.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(items.length, 8);
  end.writeUInt16LE(items.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...locals, directory, end]);
}
