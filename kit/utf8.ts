// Decodes UTF-8 byte by byte, for text of unknown origin (logs): complete, unfinished and invalid characters. The runtime's
// decoder replaces a broken sequence as a whole; here each invalid byte becomes one U+FFFD, so that text and byte positions
// correspond.
import { isUtf8 } from 'node:buffer';

/** Most bytes of one character. */
export const longestCharacter = 4;

/** Number of bytes after a lead byte, and the range of the first of them; undefined: not a lead byte. */
function sequenceOf(lead: number): { more: number; low: number; high: number } | undefined {
  if (lead >= 0xc2 && lead <= 0xdf) return { more: 1, low: 0x80, high: 0xbf };
  if (lead === 0xe0) return { more: 2, low: 0xa0, high: 0xbf };
  if (lead === 0xed) return { more: 2, low: 0x80, high: 0x9f };
  if (lead >= 0xe1 && lead <= 0xef) return { more: 2, low: 0x80, high: 0xbf };
  if (lead === 0xf0) return { more: 3, low: 0x90, high: 0xbf };
  if (lead >= 0xf1 && lead <= 0xf3) return { more: 3, low: 0x80, high: 0xbf };
  if (lead === 0xf4) return { more: 3, low: 0x80, high: 0x8f };
  return undefined;
}

/**
 * The character that begins at `at`: its bytes (1 to 4), `none` for a byte that begins none, `unfinished` when the bytes
 * end before it is whole.
 */
export function characterAt(bytes: Uint8Array, at: number): number | 'none' | 'unfinished' {
  const lead = bytes[at] ?? 0xff;
  if (lead < 0x80) return 1;
  const sequence = sequenceOf(lead);
  if (!sequence) return 'none';
  for (let index = 1; index <= sequence.more; index += 1) {
    const next = bytes[at + index];
    if (next === undefined) return 'unfinished';
    const [low, high] = index === 1 ? [sequence.low, sequence.high] : [0x80, 0xbf];
    if (next < low || next > high) return 'none';
  }
  return sequence.more + 1;
}

/** The character that `at` lies inside of, not at its beginning; `end` is null for an unfinished one. */
export function characterAround(bytes: Uint8Array, at: number): { start: number; end: number | null } | undefined {
  for (let start = at - 1; start >= 0 && start > at - longestCharacter; start -= 1) {
    const length = characterAt(bytes, start);
    if (length === 'unfinished') return { start, end: null };
    if (length !== 'none') return length > at - start ? { start, end: start + length } : undefined;
  }
  return undefined;
}

/** The text of bytes; each byte that is no UTF-8 becomes a U+FFFD. */
export function textOf(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  const pieces: string[] = [];
  let sound = 0;
  for (let at = 0; at < bytes.length;) {
    const length = characterAt(bytes, at);
    if (typeof length === 'number') {
      at += length;
      continue;
    }
    pieces.push(bytes.toString('utf8', sound, at), '\u{fffd}');
    at += 1;
    sound = at;
  }
  return [...pieces, bytes.toString('utf8', sound)].join('');
}
