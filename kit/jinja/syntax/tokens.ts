// The words of an expression. Strings and numbers are read here, so that the parser sees values.
import { syntaxError } from '../render-error.ts';

export interface Token {
  kind: 'name' | 'string' | 'number' | 'sign' | 'end';
  /** As written. */
  text: string;
  value: string | number | bigint;
  line: number;
}

const kinds = ['name', 'string', 'number', 'sign'] as const;
/** Blanks, then one of the kinds in their order. */
const lexeme =
  /\s*(?:([\p{L}_][\p{L}\p{M}\p{N}_]*)|("(?:\\[^]|[^"\\])*"|'(?:\\[^]|[^'\\])*')|(0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?)|(==|!=|<=|>=|\/\/|\*\*|[-+*/%~()[\]{}<>=.,:|;]))/uy;

const simple: Record<string, string> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  v: '\v',
  a: '\x07',
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
};
const escape = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|([^]))/gu;

function unescape(inside: string, line: number): string {
  return inside.replace(
    escape,
    (whole: string, hex2?: string, hex4?: string, hex8?: string, octal?: string, other?: string) => {
      const hex = hex2 ?? hex4 ?? hex8;
      const code = hex === undefined ? (octal === undefined ? null : parseInt(octal, 8)) : parseInt(hex, 16);
      if (code !== null) {
        if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
          throw syntaxError('a character that there is not', line);
        return String.fromCodePoint(code);
      }
      return other === undefined ? whole : (simple[other] ?? whole);
    },
  );
}

function numberOf(text: string): number | bigint {
  const digits = text.replaceAll('_', '');
  return /^0[xXoObB]|^\d+$/.test(digits) ? BigInt(digits) : Number(digits);
}

function tokenOf(kind: Token['kind'], text: string, line: number): Token {
  if (kind === 'string') return { kind, text, line, value: unescape(text.slice(1, -1), line) };
  return { kind, text, line, value: kind === 'number' ? numberOf(text) : text };
}

export function lineBreaks(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}

/** The token at a place, blanks before it passed over; null where none begins. */
export function nextToken(template: string, from: number, line: number): { token: Token; end: number } | null {
  lexeme.lastIndex = from;
  const found = lexeme.exec(template);
  const at = found ? kinds.findIndex((_, index) => found[index + 1] !== undefined) : -1;
  const [kind, text] = [kinds[at], found?.[at + 1]];
  if (!found || kind === undefined || text === undefined) return null;
  const end = lexeme.lastIndex;
  const begun = line + lineBreaks(found[0].slice(0, found[0].length - text.length));
  return { token: tokenOf(kind, text, begun), end };
}
