// Free text as a literal of the script's language. The literal must hold wherever it is put: bare, but also inside quotes,
// in a comment or in a here document, where authors put it out of habit. So it has no line end and no sign that begins or
// ends anything there: all but letters, digits and a few harmless signs are written as escapes. Bare it is the exact text;
// inside quotes it is safe, though one sees the escapes.

export type QuotedLanguage = 'bash' | 'python';

/** Signs of other scripts end nothing in either language. */
const foreign = /^(?![\0-\x7f])[\p{P}\p{S}]$/u;
const bashSigns = /^[\p{L}\p{M}\p{N}_.,:/@%+-]$/u;
const pythonSigns = /^[\p{L}\p{M}\p{N}_.,: -]$/u;

const bashHarmless = (character: string): boolean => bashSigns.test(character) || foreign.test(character);
const pythonHarmless = (character: string): boolean => pythonSigns.test(character) || foreign.test(character);

const octets = (character: string): string =>
  [...Buffer.from(character)].map((octet) => `\\${octet.toString(8).padStart(3, '0')}`).join('');

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');

function pythonEscape(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x100) return `\\x${hex(code, 2)}`;
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

function bashQuote(text: string): string {
  if (text === '') return "''";
  const characters = [...text];
  if (characters.every((one) => one === ' ' || bashHarmless(one))) return text.replaceAll(' ', '\\ ');
  return `$'${characters.map((one) => (bashHarmless(one) ? one : octets(one))).join('')}'`;
}

const pythonQuote = (text: string): string =>
  `'${[...text].map((one) => (pythonHarmless(one) ? one : pythonEscape(one))).join('')}'`;

/** A literal that is this text and nothing else. NUL cannot be in it. */
export const quote = (text: string, language: QuotedLanguage): string =>
  language === 'bash' ? bashQuote(text) : pythonQuote(text);

const jsonEscape = (character: string): string =>
  character
    .split('')
    .map((unit) => `\\u${hex(unit.charCodeAt(0), 4)}`)
    .join('');

/** A JSON string that holds to the same: a literal of Python as well. */
export const jsonText = (text: string): string =>
  `"${[...text].map((one) => (pythonHarmless(one) ? one : jsonEscape(one))).join('')}"`;
