// Reads lines of a file by number, from its start or end. Reads block by block and keeps only the wanted lines, so a result
// exceeds its limit by a few bytes at most. A line ends with \n; the text after the last \n is a line too, up to an
// incomplete character.
import { characterAround, longestCharacter } from '../../kit/utf8.ts';
import { lastBoundary } from './bytes.ts';
import type { BytePiece } from './bytes.ts';
import { mostContent } from './scan.ts';
import type { Scan } from './scan.ts';

interface LinesPiece extends BytePiece {
  /** Lines in the content, including a cut one. */
  lines: number;
}

const newline = 0x0a;
/** Enough to detect whether the limit splits a character. */
const enough = mostContent + longestCharacter;

const none = (position: number): LinesPiece => ({ content: Buffer.alloc(0), position, lines: 0 });

/** Lines [skip, skip + count) of the file, up to 1 MiB. */
export async function linesFromStart(scan: Scan, skip: number, count: number): Promise<LinesPiece> {
  let at = 0;
  let held: Buffer = Buffer.alloc(0);
  for (let left = skip; left > 0 || held.length === 0;) {
    if (at >= scan.size) return none(scan.size);
    const block = await scan.forward(at);
    at += block.length;
    let index = 0;
    for (; left > 0 && index < block.length; index += 1) if (block[index] === newline) left -= 1;
    held = block.subarray(index);
  }
  while (held.length < enough && at < scan.size && newlines(held, count) < count) {
    const block = await scan.forward(at, enough - held.length);
    at += block.length;
    held = Buffer.concat([held, block]);
  }
  const start = at - held.length;
  return first(at < scan.size ? held : held.subarray(0, lastBoundary(held, held.length)), at < scan.size, start, count);
}

/** Counts the line ends in these bytes, up to `most`. */
function newlines(bytes: Buffer, most: number): number {
  let found = 0;
  for (let at = bytes.indexOf(newline); at >= 0 && found < most; at = bytes.indexOf(newline, at + 1)) found += 1;
  return found;
}

/** The first lines of the bytes read from `start` on; `goesOn`: the file continues. */
function first(held: Buffer, goesOn: boolean, start: number, count: number): LinesPiece {
  let end = 0;
  let lines = 0;
  while (lines < count && end < held.length) {
    const at = held.indexOf(newline, end);
    if (at < 0 && goesOn) break;
    const next = at < 0 ? held.length : at + 1;
    if (next > mostContent) break;
    end = next;
    lines += 1;
  }
  if (lines === 0 && held.length > 0) return { ...piece(held, 0, lastBoundary(held, mostContent), start), lines: 1 };
  return end === 0 ? none(start) : { ...piece(held, 0, end, start), lines };
}

const piece = (held: Buffer, from: number, to: number, start: number): BytePiece => ({
  content: held.subarray(from, to),
  position: start + to,
});

/** The `count` lines before the last `skip` of the file, the latest 1 MiB of them. */
export async function linesFromEnd(scan: Scan, skip: number, count: number): Promise<LinesPiece> {
  if (scan.size === 0) return none(0);
  const block = await scan.backward(scan.size);
  let low = scan.size - block.length;
  let held: Buffer = block.subarray(0, lastBoundary(block, block.length));
  for (let left = skip; left > 0;) {
    // The \n at the very end terminates the skipped line; each earlier one starts a line.
    let end = held.length;
    for (let index = end - 2; index >= 0 && left > 0; index -= 1) {
      if (held[index] !== newline) continue;
      left -= 1;
      end = index + 1;
    }
    if (left === 0) held = held.subarray(0, end);
    else if (low === 0) return none(0);
    else {
      const before = await scan.backward(low);
      low -= before.length;
      // Of the skipped part, only its final byte is needed.
      held = Buffer.concat([before, held.subarray(-1)]);
    }
  }
  return last(scan, low, held, count);
}

async function last(scan: Scan, from: number, end: Buffer, count: number): Promise<LinesPiece> {
  let low = from;
  let held = end;
  while (held.length < enough && low > 0 && newlines(held.subarray(0, -1), count) < count) {
    const before = await scan.backward(low, enough - held.length);
    low -= before.length;
    held = Buffer.concat([before, held]);
  }
  let start = held.length;
  let lines = 0;
  while (lines < count && start > 0) {
    const at = start < 2 ? -1 : held.lastIndexOf(newline, start - 2);
    if (at < 0 && low > 0) break;
    if (held.length - (at + 1) > mostContent) break;
    start = at + 1;
    lines += 1;
  }
  if (lines > 0 || held.length === 0) return { ...piece(held, start, held.length, low), lines };
  const cut = held.length - mostContent;
  return { ...piece(held, characterAround(held, cut)?.end ?? cut, held.length, low), lines: 1 };
}
