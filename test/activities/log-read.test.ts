import { linesFromEnd, linesFromStart } from '../../activities/host-reads/log-lines.ts';
import { readBytes } from '../../activities/host-reads/bytes.ts';
import { mostContent, Scan, ScanLimitError } from '../../activities/host-reads/scan.ts';
import type { LogSource } from '../../activities/host-reads/source.ts';
import { oddTexts } from '../support/odd-texts.ts';
import { characterAround, characterAt, textOf } from '../../kit/utf8.ts';

/** A source over bytes that counts the bytes read. */
function counting(data: Buffer): LogSource & { readBytes: number; calls: number } {
  return {
    size: data.length,
    readBytes: 0,
    calls: 0,
    async read(from, to) {
      if (from < 0 || to > data.length || from >= to) throw new Error(`not a part of the file: [${from}, ${to})`);
      this.calls += 1;
      this.readBytes += to - from;
      return data.subarray(from, to);
    },
  };
}

/** A virtual file of any size that repeats one byte. */
function sparse(size: number, ends: Buffer = Buffer.alloc(0)): ReturnType<typeof counting> {
  const source = counting(Buffer.alloc(0));
  return Object.assign(source, {
    size: size + ends.length,
    async read(from: number, to: number) {
      source.calls += 1;
      source.readBytes += to - from;
      const data = Buffer.alloc(to - from);
      if (to > size) ends.copy(data, Math.max(0, size - from), Math.max(0, from - size));
      return data;
    },
  });
}

const block = async (data: Buffer | string, from: 'start' | 'end', offset: number, count: number) => {
  const { content, position } = await readBytes(counting(Buffer.from(data)), { from, offset, count });
  return { text: textOf(content), length: content.length, position };
};
const head = async (data: Buffer | string, skip: number, count: number, limit?: number) =>
  shown(await linesFromStart(new Scan(counting(Buffer.from(data)), { limit }), skip, count));
const tail = async (data: Buffer | string, skip: number, count: number, limit?: number) =>
  shown(await linesFromEnd(new Scan(counting(Buffer.from(data)), { limit }), skip, count));
const shown = ({ content, position, lines }: { content: Buffer; position: number; lines: number }) => ({
  text: textOf(content),
  position,
  lines,
});

const mixed = 'aé漢😀\nzß中🚀';
const bytes = Buffer.from(mixed);

/** The offsets of the characters of `mixed`, and of its end. */
const boundaries = Array.from(mixed).reduce((at, one) => [...at, (at.at(-1) ?? 0) + Buffer.byteLength(one)], [0]);

describe('UTF-8 byte by byte', () => {
  test('agrees with the runtime about every sequence of two bytes, and about the limits of longer ones', () => {
    const isSound = (some: number[]): boolean => !Buffer.from(some).toString('utf8').includes('\u{fffd}');
    const differing: number[][] = [];
    const compare = (some: number[]): void => {
      const whole = characterAt(Buffer.from(some), 0) === some.length;
      if (whole !== (isSound(some) && Array.from(Buffer.from(some).toString()).length === 1)) differing.push(some);
    };
    for (let lead = 0; lead < 256; lead += 1)
      for (let next = 0; next < 256; next += 1) {
        compare([lead, next]);
        for (const more of [0x7f, 0x80, 0xbf, 0xc0]) compare([lead, next, more]);
        compare([lead, next, 0x80, 0xbf]);
      }
    expect(differing).toEqual([]);
  });

  test('an invalid byte becomes one U+FFFD, a NUL is kept', () => {
    expect(textOf(Buffer.from([0x41, 0xe6, 0xbc, 0x42, 0xff, 0xfe, 0, 0xc3, 0xa9]))).toBe(
      'A\u{fffd}\u{fffd}B\u{fffd}\u{fffd}\0é',
    );
    expect(textOf(Buffer.from([0xf0, 0x9f, 0x98]))).toBe('\u{fffd}'.repeat(3));
    expect(textOf(Buffer.from([0xed, 0xa0, 0x80]))).toBe('\u{fffd}'.repeat(3));
  });

  test('every byte is classified as inside a character or not', () => {
    for (let at = 0; at < bytes.length; at += 1)
      expect([at, characterAround(bytes, at) === undefined]).toEqual([at, boundaries.includes(at)]);
  });
});

describe('a block of bytes', () => {
  test('is cut at whole characters wherever it begins and ends, and holds at least one', async () => {
    for (let offset = 0; offset <= bytes.length + 2; offset += 1)
      for (let count = 1; count <= bytes.length + 2; count += 1) {
        const { text, length, position } = await block(bytes, 'start', offset, count);
        const at = [offset, count];
        expect([...at, text.includes('\u{fffd}')]).toEqual([...at, false]);
        expect([...at, bytes.subarray(position - length, position).toString()]).toEqual([...at, text]);
        if (offset < bytes.length) {
          const start = boundaries.find((one) => one >= offset) ?? 0;
          expect([...at, position - length]).toEqual([...at, start]);
          expect([...at, length > 0 || start === bytes.length]).toEqual([...at, true]);
          expect(position).toBeLessThanOrEqual(Math.max(offset + count, start + 4));
        } else expect([...at, text, position]).toEqual([...at, '', bytes.length]);
        if (boundaries.includes(offset) && offset < bytes.length)
          expect(Math.abs(Math.min(count, bytes.length - offset) - length)).toBeLessThanOrEqual(3);
      }
  });

  test('reading on by position loses and repeats nothing, with any size of block', async () => {
    const data = Buffer.concat([bytes, Buffer.from([0xff, 0xe6, 0xbc, 0x41]), bytes]);
    for (let count = 1; count <= 9; count += 1) {
      let read = '';
      for (let at = 0; at < data.length;) {
        const { text, position } = await block(data, 'start', at, count);
        read += text;
        expect(position).toBeGreaterThan(at);
        at = position;
      }
      expect([count, read]).toEqual([count, textOf(data)]);
    }
  });

  test('before the end it goes forward: fewer bytes than the block, none at all, or from the beginning', async () => {
    expect(await block('0123456789', 'end', 3, 8)).toEqual({ text: '789', length: 3, position: 10 });
    expect(await block('0123456789', 'end', 8, 3)).toEqual({ text: '234', length: 3, position: 5 });
    expect(await block('0123456789', 'end', 0, 8)).toEqual({ text: '', length: 0, position: 10 });
    expect(await block('0123456789', 'end', 99, 4)).toEqual({ text: '0123', length: 4, position: 4 });
    expect(await block('漢', 'end', 1, 8)).toEqual({ text: '', length: 0, position: 3 });
    expect(await block('', 'end', 5, 8)).toEqual({ text: '', length: 0, position: 0 });
  });

  test('beyond the end there is nothing, and the position is the end', async () => {
    expect(await block('abc', 'start', 3, 8)).toEqual({ text: '', length: 0, position: 3 });
    expect(await block('abc', 'start', 2 ** 40, 8)).toEqual({ text: '', length: 0, position: 3 });
    expect(await block('', 'start', 0, 8)).toEqual({ text: '', length: 0, position: 0 });
  });

  test('an unfinished character at the end of the file waits for the next read', async () => {
    const whole = Buffer.from('ab漢');
    for (const cut of [3, 4]) {
      const data = whole.subarray(0, cut);
      expect(await block(data, 'start', 0, 8)).toEqual({ text: 'ab', length: 2, position: 2 });
      expect(await block(data, 'start', 2, 8)).toEqual({ text: '', length: 0, position: 2 });
      expect(await block(data, 'end', cut - 1, 8)).toEqual({ text: 'b', length: 1, position: 2 });
    }
    expect(await block(whole.subarray(0, 4), 'start', 3, 8)).toEqual({ text: '', length: 0, position: 3 });
    expect(await block(whole, 'start', 2, 1)).toEqual({ text: '漢', length: 3, position: 5 });
    expect(await block(Buffer.from([0x41, 0xff]), 'start', 0, 8)).toEqual({
      text: 'A\u{fffd}',
      length: 2,
      position: 2,
    });
  });

  test('of 2 GB costs the block and at most ten bytes, wherever it lies', async () => {
    const size = 2 * 1024 ** 3;
    for (const [from, offset] of [
      ['start', 0],
      ['start', size / 2],
      ['end', 8192],
      ['end', size],
    ] as const) {
      const source = sparse(size);
      const { content } = await readBytes(source, { from, offset, count: 8192 });
      expect([content.length, source.calls]).toEqual([8192, 1]);
      expect(source.readBytes).toBeLessThanOrEqual(8192 + 10);
    }
  });
});

/** The lines of a text by definition: the reference implementation. */
const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

const texts = ['', '\n', 'one', 'one\n', 'one\ntwo', '\n\n', 'a\r\nb\r\n', '漢\n\n😀é\nlast', 'a\nb\nc\nd\ne\n'];

describe('lines', () => {
  test('from the start are those of the definition, for any number skipped and taken', async () => {
    for (const text of texts)
      for (let skip = 0; skip < 7; skip += 1)
        for (let count = 1; count < 7; count += 1) {
          const [all, size] = [linesOf(text), Buffer.byteLength(text)];
          const wanted = all.slice(skip, skip + count);
          const before = Buffer.byteLength(all.slice(0, skip + count).join(''));
          expect([text, skip, count, await head(text, skip, count)]).toEqual([
            text,
            skip,
            count,
            { text: wanted.join(''), lines: wanted.length, position: skip >= all.length ? size : before },
          ]);
        }
  });

  test('from the end are those of the definition, oldest first', async () => {
    for (const text of texts)
      for (let skip = 0; skip < 7; skip += 1)
        for (let count = 1; count < 7; count += 1) {
          const all = linesOf(text);
          const end = Math.max(0, all.length - skip);
          const wanted = all.slice(Math.max(0, end - count), end);
          const position = Buffer.byteLength(all.slice(0, end).join(''));
          expect([text, skip, count, await tail(text, skip, count)]).toEqual([
            text,
            skip,
            count,
            { text: wanted.join(''), lines: wanted.length, position },
          ]);
        }
  });

  test('of a file of many blocks are found from both ends', async () => {
    const all = Array.from({ length: 60_000 }, (_, index) => `line ${index} of 漢字 ${'x'.repeat(index % 97)}\n`);
    const text = all.join('');
    for (const skip of [0, 1, 999, 1000, 30_000, 59_999]) {
      const fromStart = await head(text, skip, 3);
      expect([skip, fromStart.text, fromStart.lines]).toEqual([skip, ...joined(all.slice(skip, skip + 3))]);
      const end = all.length - skip;
      const fromEnd = await tail(text, skip, 3);
      expect([skip, fromEnd.text, fromEnd.lines]).toEqual([skip, ...joined(all.slice(Math.max(0, end - 3), end))]);
      expect(fromEnd.position).toBe(Buffer.byteLength(all.slice(0, end).join('')));
    }
    expect(await head(text, 60_000, 5)).toEqual({ text: '', lines: 0, position: Buffer.byteLength(text) });
    expect(await tail(text, 60_000, 5)).toEqual({ text: '', lines: 0, position: 0 });
  });

  const joined = (lines: string[]): [string, number] => [lines.join(''), lines.length];

  test('an unfinished character at the end is left to the next read', async () => {
    const data = Buffer.from('one\ntwo漢').subarray(0, -1);
    expect(await head(data, 0, 9)).toEqual({ text: 'one\ntwo', lines: 2, position: 7 });
    expect(await tail(data, 0, 1)).toEqual({ text: 'two', lines: 1, position: 7 });
    const alone = Buffer.from('one\n漢').subarray(0, -1);
    expect(await head(alone, 0, 9)).toEqual({ text: 'one\n', lines: 1, position: 4 });
    expect(await tail(alone, 0, 9)).toEqual({ text: 'one\n', lines: 1, position: 4 });
  });

  test('an answer stops after the last whole line that fits into 1 MiB, or drops the oldest', async () => {
    const line = `${'y'.repeat(1023)}\n`;
    const text = line.repeat(1500);
    expect(await head(text, 0, 10_000)).toMatchObject({ lines: 1024, position: mostContent });
    const latest = await tail(text, 0, 10_000);
    expect([latest.lines, latest.position, latest.text.length]).toEqual([1024, text.length, mostContent]);
    const odd = `x${text}`;
    expect((await head(odd, 0, 10_000)).lines).toBe(1023);
    expect((await tail(`${text}x`, 0, 10_000)).lines).toBe(1024);
    const huge = `first\n${'z'.repeat(mostContent)}\nlast\n`;
    expect(await head(huge, 0, 10)).toEqual({ text: 'first\n', lines: 1, position: 6 });
    expect(await tail(huge, 0, 10)).toEqual({ text: 'last\n', lines: 1, position: huge.length });
  });

  test('a single line of more than 1 MiB is cut to its first, or last, MiB without cutting a character', async () => {
    const long = '漢'.repeat(400_000);
    const first = await head(`${long}\nnext\n`, 0, 10);
    expect([first.lines, first.text, first.position]).toEqual([1, '漢'.repeat(349_525), 349_525 * 3]);
    const latest = await tail(`before\n${long}`, 0, 10);
    expect([latest.lines, latest.text, latest.position]).toEqual([1, '漢'.repeat(349_525), 7 + 1_200_000]);
    expect(await head(`${long}\nnext\n`, 1, 10)).toMatchObject({ text: 'next\n', lines: 1 });
    expect((await tail(`${long}\nnext\n`, 1, 10)).lines).toBe(1);
    const exact = `${'a'.repeat(mostContent - 1)}\n`;
    expect((await head(exact + exact, 0, 2)).text).toBe(exact);
    expect((await tail(exact + exact, 0, 2)).text).toBe(exact);
  });

  test('of 2 GB at either end cost little more than their own MiB', async () => {
    const size = 2 * 1024 ** 3;
    const [start, end] = [sparse(size), sparse(size, Buffer.from('\none\ntwo\n'))];
    expect((await linesFromStart(new Scan(start), 0, 1000)).content.length).toBe(mostContent);
    expect(start.readBytes).toBeLessThanOrEqual(mostContent + 4);
    const { content, position } = await linesFromEnd(new Scan(end), 0, 2);
    expect([content.toString(), position]).toEqual(['one\ntwo\n', end.size]);
    expect(end.readBytes).toBeLessThanOrEqual(64 * 1024);
  });

  test('further away than the limit of scanning are refused, up to it they are found', async () => {
    const data = Buffer.from('a\n'.repeat(100_000));
    expect(await head(data, 99_999, 1, data.length)).toMatchObject({ text: 'a\n', lines: 1 });
    expect(await tail(data, 99_999, 1, data.length)).toMatchObject({ text: 'a\n', lines: 1 });
    await expect(head(data, 99_999, 1, data.length - 1)).rejects.toThrow(ScanLimitError);
    await expect(tail(data, 99_999, 2, data.length - 1)).rejects.toThrow(ScanLimitError);
    const huge = sparse(2 * 1024 ** 3);
    await expect(linesFromStart(new Scan(huge), 1, 1)).rejects.toThrow(ScanLimitError);
    expect(huge.readBytes).toBe(256 * 1024 * 1024);
  });

  test('that their host does not read in time are refused as further away, by the end of that time', async () => {
    const slow = sparse(2 * 1024 ** 3);
    const { read } = slow;
    let now = 1_000_000;
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => now);
    slow.read = (from, to) => {
      now += 20;
      return read(from, to);
    };
    try {
      for (const linesFrom of [linesFromStart, linesFromEnd])
        await expect(linesFrom(new Scan(slow, { until: now + 200 }), 1, 1)).rejects.toThrow(ScanLimitError);
    } finally {
      clock.mockRestore();
    }
    expect(slow.readBytes).toBeLessThan(64 * 1024 * 1024);
  });
});

test.each(oddTexts)(
  '$name in a log is shown as it lies there, from either end and in parts',
  async ({ bytes: all, logged }) => {
    const count = all.filter((one) => one === 0x0a).length + (all.at(-1) === 0x0a ? 0 : 1);
    expect(await head(all, 0, count)).toEqual({ text: logged, position: all.length, lines: count });
    expect(await tail(all, 0, count)).toEqual({ text: logged, position: all.length, lines: count });
    expect((await block(all, 'start', 0, all.length)).text).toBe(logged);
  },
);
