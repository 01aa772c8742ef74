// Free text as a literal of the script's language. The literal must hold wherever it is put: bare, but also inside quotes,
// in a comment or in a here document, where authors put it out of habit. So it has no line end and no sign that begins or
// ends anything there: all but letters, digits and a few harmless signs are written as escapes. Bare it is the exact text;
// inside quotes it is safe, though one sees the escapes.

export type Language = 'bash' | 'python';

const bashBare = /^[\p{L}\p{M}\p{N}_.,:/@%+-]+$/u;
const bashHarmless = /^[\p{L}\p{M}\p{N}_.,:/@%+-]$/u;
const pythonHarmless = /^[\p{L}\p{M}\p{N}_.,: -]$/u;

const octets = (character: string): string =>
  [...Buffer.from(character)].map((octet) => `\\${octet.toString(8).padStart(3, '0')}`).join('');

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');

function pythonEscape(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x100) return `\\x${hex(code, 2)}`;
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

const bashWord = (text: string): string => text.split(' ').join('\\ ');

function bashQuote(text: string): string {
  if (text === '') return "''";
  if (bashBare.test(text.replaceAll(' ', '_'))) return bashWord(text);
  return `$'${[...text].map((character) => (bashHarmless.test(character) ? character : octets(character))).join('')}'`;
}

const pythonQuote = (text: string): string =>
  `'${[...text].map((character) => (pythonHarmless.test(character) ? character : pythonEscape(character))).join('')}'`;

/** A literal that is this text and nothing else. NUL cannot be in it. */
export const quote = (text: string, language: Language): string =>
  language === 'bash' ? bashQuote(text) : pythonQuote(text);

/** A JSON string that holds to the same: a literal of Python as well. */
export const jsonText = (text: string): string =>
  `"${text
    .split('')
    .map((unit) => (pythonHarmless.test(unit) ? unit : `\\u${hex(unit.charCodeAt(0), 4)}`))
    .join('')}"`;
