// Reads a block of a file by bytes without splitting a character: a few bytes around it show where characters begin. It
// costs at most ten bytes more than its size, however large the file.
import { characterAround, characterAt, longestCharacter } from '../../kit/utf8.ts';
import type { LogPart } from '../../db/host-reads/tables.ts';
import type { LogSource } from './source.ts';

/** Bytes [position − content.length, position) of a file. */
export interface BytePiece {
  content: Buffer;
  position: number;
}

const around = longestCharacter - 1;

const nothing = (position: number): BytePiece => ({ content: Buffer.alloc(0), position });

/** The block given by `offset` and `count` (bytes); a start inside a character moves to the next. */
export function readBytes(source: LogSource, { from, offset, count }: Omit<LogPart, 'mode'>): Promise<BytePiece> {
  const { size } = source;
  const start = from === 'start' ? Math.min(offset, size) : Math.max(0, size - offset);
  return wholeCharacters(source, start, Math.min(start + count, size));
}

async function wholeCharacters(source: LogSource, start: number, end: number): Promise<BytePiece> {
  if (start >= end) return nothing(start);
  const low = Math.max(0, start - around);
  const high = Math.min(source.size, Math.max(end + around, start + around + longestCharacter));
  const bytes = await source.read(low, high);
  const cutOff = characterAround(bytes, start - low);
  if (cutOff?.end === null) return nothing(start);
  const first = cutOff?.end ?? start - low;
  const last = Math.max(lastBoundary(bytes, end - low), enlarged(bytes, first, end - low));
  return { content: bytes.subarray(first, last), position: low + last };
}

/** The end of the last whole character before `end`; an incomplete one at the end of the file is left out. */
export const lastBoundary = (bytes: Buffer, end: number): number => characterAround(bytes, end)?.start ?? end;

/** The end of the first character, if the block is shorter than it. */
function enlarged(bytes: Buffer, first: number, end: number): number {
  if (first >= bytes.length || lastBoundary(bytes, end) > first) return first;
  const length = characterAt(bytes, first);
  if (length === 'unfinished') return first;
  return first + (length === 'none' ? 1 : length);
}
