// Decodes a tar header alone. Our own decoder, because npm `tar` mixes extended headers in: a name cut at 100 bytes that
// ends with "/" then turns a file into a folder, and a prefix is added to an extended path.
import { InvalidPackageError } from './refusal.ts';

export interface TarHeader {
  /** Bytes: of a name that an extended header has whole it is a part, and may end within a character. */
  path: Buffer;
  mode: number;
  size: number;
  /** Seconds since 1970. */
  mtime: number;
  /** The type's letter; `0` for the empty one. */
  type: string;
  linkpath: Buffer;
}

function corrupt(text: string): InvalidPackageError {
  return new InvalidPackageError('corrupt', null, text);
}

function bytesAt(block: Buffer, at: number, length: number): Buffer {
  const end = block.subarray(at, at + length).indexOf(0);
  return block.subarray(at, end < 0 ? at + length : at + end);
}

/** Octal digits, or with the first bit set a big-endian number (GNU, for what octal can't hold). */
function numberAt(block: Buffer, at: number, length: number): number {
  const first = block[at] ?? 0;
  if (first & 0x80) {
    const bytes = block.subarray(at + 1, at + length);
    const value = bytes.reduce((total, byte) => total * 256 + byte, 0);
    if (first !== 0x80 || !Number.isSafeInteger(value)) throw corrupt('a number in a header is out of range');
    return value;
  }
  const text = bytesAt(block, at, length).toString('latin1').trim();
  if (!/^[0-7]*$/.test(text)) throw corrupt('this is not a tar archive, or it is damaged');
  return text === '' ? 0 : parseInt(text, 8);
}

/** Verifies the checksum; old archivers summed signed bytes, which differs for non-ASCII names. */
function isSound(block: Buffer): boolean {
  const told = numberAt(block, 148, 8);
  const bytes = [...block].map((byte, at) => (at >= 148 && at < 156 ? 0x20 : byte));
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  return told === sum || told === sum - 256 * bytes.filter((byte) => byte > 0x7f).length;
}

/** The header in a block of 512 bytes, null for a block of zeros (the end); refuses invalid headers. */
export function decodeHeader(block: Buffer): TarHeader | null {
  if (block.every((byte) => byte === 0)) return null;
  if (!isSound(block)) throw corrupt('this is not a tar archive, or it is damaged');
  // POSIX says "ustar\0" and has a prefix there; GNU says "ustar " and keeps other things in its place.
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? bytesAt(block, 345, 155) : null;
  const name = bytesAt(block, 0, 100);
  const letter = block.toString('latin1', 156, 157);
  // Times before 1970 are stored as negative numbers: they are of no use here, and no reason to refuse.
  const hasOldTime = ((block[136] ?? 0) & 0xc0) === 0xc0;
  return {
    path: prefix?.length ? Buffer.concat([prefix, Buffer.from('/'), name]) : name,
    mode: numberAt(block, 100, 8),
    size: numberAt(block, 124, 12),
    mtime: hasOldTime ? 0 : numberAt(block, 136, 12),
    type: letter === '\0' ? '0' : letter,
    linkpath: bytesAt(block, 157, 100),
  };
}
