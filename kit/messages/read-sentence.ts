// Reads English sentences back into messages. They are of histories and rows from before there were keys, of columns that hold
// text, and of the template renderer. Nothing that has a key comes through here.
import type { Message } from './message-type.ts';

const place = /\{(\w+)\}/g;
const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

interface Pattern {
  match: RegExp;
  names: string[];
  key: string;
}

function patternOf([en, key]: readonly [string, string]): Pattern {
  const parts = en.split(place).filter((_, index) => index % 2 === 0);
  const names = [...en.matchAll(place)].map(([, name = '']) => name);
  return { match: new RegExp(`^${parts.map(literal).join('(.*?)')}$`, 's'), names, key };
}

/** A sentence that goes around another one is tried before all that it may go around. */
const specificity = (en: string): number => (en.startsWith('{mistake}') ? 1_000 : 0) + en.replace(place, '').length;

const nested = new Set(['mistake', 'reason', 'difference', 'missing']);

/** Reads a sentence, or sentences separated by commas; undefined for any other text. */
export function reader(former: readonly (readonly [string, string])[]): (text: string) => Message | undefined {
  let patterns: Pattern[] | undefined;
  const one = (text: string): Message | undefined => {
    patterns ??= [...former].sort(([a], [b]) => specificity(b) - specificity(a)).map(patternOf);
    for (const { match, names, key } of patterns) {
      const found = match.exec(text);
      if (!found) continue;
      const values = names.map((name, index) => [name, nested.has(name) ? part(found[index + 1]) : found[index + 1]]);
      return { key, params: Object.fromEntries(values) as Record<string, string | Message> };
    }
    return undefined;
  };
  const part = (text = ''): Message => read(text) ?? { key: 'as_it_is', params: { text } };
  // In `hook a, hook b` the first name must not swallow the rest.
  const read = (text: string): Message | undefined => {
    const parts = text.split(', ');
    const readable = parts.length > 1 ? parts.filter((item) => one(item) !== undefined).length : 0;
    const whole = readable < 2 ? one(text) : undefined;
    return whole ?? (readable > 0 ? { key: 'list', params: { items: parts.map(part) } } : undefined);
  };
  return read;
}
