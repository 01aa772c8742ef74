// Texts as editors, browsers and tools make them, and what becomes of each: when it is saved as a script, when that script is
// run, and when a program prints it or it lies in a log. Names of files that are odd have a table of their own.
import type { TextChange } from '../../kit/script-text.ts';

interface OddText {
  name: string;
  /** As a file has it, or a program prints it. */
  bytes: Buffer;
  /** As a script: what is kept of it and what that says when run; null: it can't be saved. */
  script: { saved: string; normalized: TextChange[]; says: string[]; exitCode: number } | null;
  /** The lines of it as output of a task. */
  lines: string[];
  /** The same as the content of a log. */
  logged: string;
}

interface Given {
  script: OddText['script'];
  /** Left out: the text itself, cut at LF. */
  lines?: string[];
  /** Left out: the bytes as UTF-8. In a log each byte that is none counts by itself. */
  logged?: string;
}

const utf8 = (text: string): Buffer => Buffer.from(text);

function row(name: string, bytes: Buffer, { script, lines, logged }: Given): OddText {
  const text = bytes.toString('utf8');
  return { name, bytes, script, lines: lines ?? text.replace(/\n$/, '').split('\n'), logged: logged ?? text };
}

const script = (saved: string, says: string[], more: { normalized?: TextChange[]; exitCode?: number } = {}) => ({
  script: { saved, says, normalized: more.normalized ?? [], exitCode: more.exitCode ?? 0 },
});

const both: TextChange[] = ['bom', 'crlf'];

export const oddTexts: OddText[] = [
  row('plain', utf8('echo one\necho two\n'), script('echo one\necho two\n', ['one', 'two'])),
  row('a BOM', utf8('\ufeffset -e\nfalse\necho went on\n'), {
    ...script('set -e\nfalse\necho went on\n', [], { normalized: ['bom'], exitCode: 1 }),
  }),
  row('CRLF', utf8('if true; then\r\n  echo one\r\nfi\r\n'), {
    ...script('if true; then\n  echo one\nfi\n', ['one'], { normalized: ['crlf'] }),
    lines: ['if true; then', '  echo one', 'fi'],
  }),
  row('a BOM and CRLF', utf8('\ufeffecho one\r\necho two'), {
    ...script('echo one\necho two', ['one', 'two'], { normalized: both }),
    lines: ['\ufeffecho one', 'echo two'],
  }),
  row('CR alone', utf8('echo one\recho two\r'), {
    ...script('echo one\necho two\n', ['one', 'two'], { normalized: ['crlf'] }),
    lines: ['echo one\recho two\r'],
  }),
  row('no last newline', utf8('echo one'), script('echo one', ['one'])),
  row('U+2028 and U+0085', utf8('echo "a\u2028b\u0085c"\n'), script('echo "a\u2028b\u0085c"\n', ['a\u2028b\u0085c'])),
  row('a BOM in the middle', utf8('echo "x\ufeffy"\n'), script('echo "x\ufeffy"\n', ['x\ufeffy'])),
  row('four bytes a character', utf8('echo 😀 配置\n'), script('echo 😀 配置\n', ['😀 配置'])),
  row('GBK', Buffer.from([0x65, 0x63, 0x68, 0x6f, 0x20, 0xc5, 0xe4, 0xd6, 0xc3, 0x0a]), {
    script: null,
    lines: ['echo \ufffd\ufffd\ufffd\ufffd'],
  }),
  row('half a character', Buffer.from([0x65, 0xe9, 0x85, 0x0a, 0x78, 0x0a]), {
    script: null,
    lines: ['e\ufffd', 'x'],
    logged: 'e\ufffd\ufffd\nx\n',
  }),
  row('NUL', utf8('echo a\0b\n'), { script: null, lines: ['echo a\ufffdb'] }),
];

/** What JSON can say and no bytes can: half of a pair. */
export const loneSurrogate = 'echo \ud83d\n';
