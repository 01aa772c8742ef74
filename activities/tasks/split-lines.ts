// Splits a stream's bytes into lines that a database accepts. The split depends only on the bytes since the last line end,
// not on how they arrived, so a worker resuming at a line's `end` finds the same lines.

/** Maximum piece of a line, in bytes; longer lines are split. */
export const maximumLineBytes = 16 * 1024;

const newline = 0x0a;
const carriageReturn = 0x0d;

interface Line {
  /** Without its newline; U+FFFD replaces invalid UTF-8, and NUL (which PostgreSQL refuses). */
  text: string;
  /** The offset in the stream after it, including its newline. */
  end: number;
}

/** The end of a piece of at most `limit` bytes from `start` that does not split a character. */
function cut(buffer: Buffer, start: number, limit: number): number {
  const end = start + limit;
  for (let at = end; at > end - 4; at -= 1) {
    // A byte of the form 10xxxxxx continues a character.
    if (((buffer[at] ?? 0) & 0xc0) !== 0x80) return at;
  }
  return end;
}

function textOf(buffer: Buffer, start: number, end: number): string {
  return buffer.toString('utf8', start, end).replaceAll('\0', '\u{fffd}');
}

/**
 * Splits the bytes read from `offset` on. The rest without a newline stays pending, unless `final`: then it is a line too.
 * `consumed`: bytes of `buffer` that the lines cover.
 */
export function splitLines(
  buffer: Buffer,
  { offset = 0, final }: { offset?: number; final: boolean },
): { lines: Line[]; consumed: number } {
  const lines: Line[] = [];
  let start = 0;
  const take = (end: number, next: number): void => {
    lines.push({ text: textOf(buffer, start, end), end: offset + next });
    start = next;
  };
  while (start < buffer.length) {
    const at = buffer.indexOf(newline, start);
    const end = at < 0 ? buffer.length : at;
    if (end - start > maximumLineBytes) {
      const next = cut(buffer, start, maximumLineBytes);
      take(next, next);
    } else if (at >= 0) {
      take(buffer[at - 1] === carriageReturn && at > start ? at - 1 : at, at + 1);
    } else if (final) {
      take(end, end);
    } else {
      break;
    }
  }
  return { lines, consumed: start };
}
