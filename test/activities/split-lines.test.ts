import { maximumLineBytes, splitLines } from '../../activities/tasks/split-lines.ts';
import { visibleText } from '../../activities/tasks/partial-lines.ts';
import { oddTexts } from '../support/odd-texts.ts';

const texts = (buffer: Buffer | string, final = true): string[] =>
  splitLines(Buffer.from(buffer as string), { final }).lines.map((line) => line.text);

/** Reads like a worker does: blocks of `size` bytes from where the last line ended, growing when nothing came. */
function inBlocks(all: Buffer, size: number): { text: string; end: number }[] {
  const lines = [];
  for (let offset = 0, length = size; offset < all.length;) {
    const block = all.subarray(offset, offset + length);
    const found = splitLines(block, { offset, final: offset + length >= all.length });
    lines.push(...found.lines);
    offset += found.consumed;
    length = found.consumed === 0 ? length + size : size;
  }
  return lines;
}

test('complete lines come with the offset after them, the rest waits', () => {
  expect(splitLines(Buffer.from('one\ntwo\r\n\nthr'), { offset: 100, final: false })).toEqual({
    lines: [
      { text: 'one', end: 104 },
      { text: 'two', end: 109 },
      { text: '', end: 110 },
    ],
    consumed: 10,
  });
});

test('the rest is a line once the stream has ended, and an empty rest is not', () => {
  expect(texts('one\ntwo')).toEqual(['one', 'two']);
  expect(texts('one\n')).toEqual(['one']);
  expect(texts('')).toEqual([]);
  expect(texts('one', false)).toEqual([]);
});

test('a carriage return is dropped before a newline only', () => {
  expect(texts('10%\r20%\r\n\r\n\n')).toEqual(['10%\r20%', '', '']);
});

test('NUL and invalid UTF-8 become U+FFFD', () => {
  expect(texts(Buffer.from([0x61, 0, 0x62, 0xff, 0x63, 0xc3, 0x0a]))).toEqual(['a\u{fffd}b\u{fffd}c\u{fffd}']);
});

test('a long line is cut without cutting a character, and nothing of it is lost', () => {
  for (const character of ['x', '\u00e9', '\u4e2d', '\u{1f600}']) {
    for (const shift of ['', 'a', 'ab', 'abc']) {
      const line = shift + character.repeat(20_000);
      const pieces = texts(`${line}\nnext\n`);
      expect(pieces.slice(0, -1).join('')).toBe(line);
      for (const piece of pieces) expect(Buffer.byteLength(piece)).toBeLessThanOrEqual(maximumLineBytes);
    }
  }
});

test('a line of exactly the longest length is one line, with or without its newline', () => {
  const line = 'x'.repeat(maximumLineBytes);
  expect(texts(`${line}\nnext`)).toEqual([line, 'next']);
  expect(texts(line)).toEqual([line]);
  expect(texts(line, false)).toEqual([]);
});

test('a long run of invalid UTF-8 is cut too', () => {
  const pieces = texts(Buffer.alloc(40_000, 0x80));
  expect(pieces).toHaveLength(3);
  expect(pieces.join('')).toBe('\u{fffd}'.repeat(40_000));
});

test('the lines are the same however the stream is read', () => {
  const parts = ['short\n', '\u{1f600}'.repeat(9000), '\n\n', Buffer.alloc(30_000, 0x80), '\r\nend \u4e2d'];
  const all = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  const whole = splitLines(all, { final: true }).lines;
  for (const size of [1000, 4096, 16_384, 16_385, 50_000]) expect(inBlocks(all, size)).toEqual(whole);
  expect(whole.at(-1)?.end).toBe(all.length);
});

test.each([
  ['a question', 'Continue? ', 'Continue? '],
  ['what a progress bar shows last', '10%\r20%\r30%', '30%'],
  ['what it shows where it returns at the end', '10%\r20%\r', '20%'],
  ['nothing where there is nothing', '\r\r', ''],
  ['no half of a character', Buffer.from('a\u4e2d').subarray(0, 3), 'a'],
  ['no NUL', 'a\0', 'a\u{fffd}'],
])('of a line that has not ended is seen %s', (_what, rest, seen) => {
  expect(visibleText(Buffer.from(rest as string))).toBe(seen);
});

test('an unfinished line is cut at the longest length of a line', () => {
  expect(Buffer.byteLength(visibleText(Buffer.alloc(maximumLineBytes, 0x80)))).toBeLessThanOrEqual(maximumLineBytes);
});

test.each(oddTexts)('$name comes as the lines that it is, however it arrives', ({ bytes, lines }) => {
  expect(texts(bytes)).toEqual(lines);
  for (const size of [1, 3, 7]) expect(inBlocks(bytes, size).map(({ text }) => text)).toEqual(lines);
});
