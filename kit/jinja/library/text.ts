// Work on plain text as Python's `str` does it.
import { spend, spendText } from '../meter.ts';

/** What Python takes for a blank, for `strip()` and `split()`. */
const blank = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
const lineEnd = /\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]/g;

export const isBlank = (character: string): boolean => blank.test(character);

/** Cuts characters off the ends: blanks, or those in `set`. */
export function strip(text: string, set: string | null, ends: 'both' | 'left' | 'right'): string {
  const characters = [...text];
  const goes = (character: string | undefined): boolean =>
    character !== undefined && (set === null ? isBlank(character) : [...set].includes(character));
  let [from, to] = [0, characters.length];
  while (ends !== 'right' && from < to && goes(characters[from])) from += 1;
  while (ends !== 'left' && to > from && goes(characters[to - 1])) to -= 1;
  return characters.slice(from, to).join('');
}

function words(text: string, most: number): string[] {
  const found: string[] = [];
  let rest = strip(text, null, 'left');
  while (rest !== '' && found.length < most) {
    const end = rest.search(blank);
    if (end < 0) break;
    found.push(rest.slice(0, end));
    rest = strip(rest.slice(end), null, 'left');
    spend(1 + Math.ceil(rest.length / 64));
  }
  return rest === '' ? found : [...found, rest];
}

/** `split`: by blanks where no separator is given. */
export function split(text: string, separator: string | null, most: number): string[] {
  const limit = most < 0 ? Infinity : most;
  spendText(text.length);
  if (separator === null) return words(text, limit);
  const parts = text.split(separator);
  spend(parts.length);
  if (parts.length <= limit + 1) return parts;
  return [...parts.slice(0, limit), parts.slice(limit).join(separator)];
}

export function splitFromRight(text: string, separator: string | null, most: number): string[] {
  if (most < 0) return split(text, separator, most);
  const turn = (one: string): string => [...one].reverse().join('');
  return split(turn(text), separator === null ? null : turn(separator), most)
    .map(turn)
    .reverse();
}

export function lines(text: string, keepEnds: boolean): string[] {
  const found: string[] = [];
  let from = 0;
  for (const end of text.matchAll(lineEnd)) {
    spend(1);
    found.push(text.slice(from, keepEnds ? end.index + end[0].length : end.index));
    from = end.index + end[0].length;
  }
  return from < text.length ? [...found, text.slice(from)] : found;
}

/** `replace`, at most so many times; below 0: all. */
export function replace(text: string, old: string, by: string, most: number): string {
  const limit = most < 0 ? Infinity : most;
  const parts = old === '' ? ['', ...text] : text.split(old);
  if (old === '') parts.push('');
  const count = Math.min(limit, parts.length - 1);
  spendText(text.length + count * by.length);
  if (count === parts.length - 1) return parts.join(by);
  return [parts.slice(0, count + 1).join(by), ...parts.slice(count + 1)].join(old);
}

export const capitalize = (text: string): string => {
  const [first = '', ...rest] = [...text];
  return first.toUpperCase() + rest.join('').toLowerCase();
};

/** `str.title`: a letter after a letter is small, each other one is large. */
export const titled = (text: string): string => text.replace(/\p{L}+/gu, (word) => capitalize(word));

/** The `title` filter: words begin after blanks, dashes and brackets. */
export const titledWords = (text: string): string =>
  text
    .split(/([-\s({[<]+)/u)
    .map((part) => capitalize(part))
    .join('');

export const swapCase = (text: string): string =>
  [...text].map((one) => (one === one.toUpperCase() ? one.toLowerCase() : one.toUpperCase())).join('');

export function expandTabs(text: string, size: number): string {
  let column = 0;
  let result = '';
  for (const character of text) {
    const part = character === '\t' ? ' '.repeat(size > 0 ? size - (column % size) : 0) : character;
    spendText(part.length);
    column = character === '\n' || character === '\r' ? 0 : column + part.length;
    result += part;
  }
  return result;
}

/** Where a part is, in characters. */
export function find(text: string, part: string, fromRight: boolean): number {
  const at = fromRight ? text.lastIndexOf(part) : text.indexOf(part);
  return at < 0 ? at : [...text.slice(0, at)].length;
}

/** The positions that a slice of Python takes, in their order. */
export function sliced(length: number, from: number | null, to: number | null, step: number): number[] {
  const clamp = (at: number, least: number, most: number): number =>
    Math.max(least, Math.min(most, at < 0 ? at + length : at));
  const up = step > 0;
  const begin = from === null ? (up ? 0 : length - 1) : clamp(from, up ? 0 : -1, up ? length : length - 1);
  const end = to === null ? (up ? length : -1) : clamp(to, up ? 0 : -1, up ? length : length - 1);
  const taken: number[] = [];
  for (let at = begin; up ? at < end : at > end; at += step) taken.push(at);
  return taken;
}
