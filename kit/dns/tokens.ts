// The words of a record in presentation form (RFC 1035, 5.1): separated by blanks, `"…"` is one word, `key="…"` too. Words
// keep their quotes and escapes, because only the field that takes a word knows what they mean.
import { refuse } from './refusals.ts';

const isBlank = (text: string, at: number): boolean => text[at] === ' ' || text[at] === '\t';

/** The offset after the quoted string that begins at `at`. A line's end inside belongs to the string only where allowed. */
export function quotedEnd(text: string, at: number): number {
  for (let next = at + 1; next < text.length; next += 1) {
    const character = text[next];
    if (character === '\\') next += 1;
    else if (character === '"') return next + 1;
    else if (character === '\n') break;
  }
  return refuse('quote_open');
}

/** The offset after the bare word that begins at `at`; `stops` are the characters that end it besides blanks. */
export function wordEnd(text: string, at: number, stops: string): number {
  let next = at;
  while (next < text.length && !isBlank(text, next)) {
    const character = text[next] ?? '';
    if (character === '"') {
      if (text[next - 1] !== '=' || next === at) return next;
      return quotedEnd(text, next);
    }
    if (stops.includes(character)) return next;
    next += character === '\\' ? 2 : 1;
  }
  return Math.min(next, text.length);
}

/** Splits a value that stands on one line. */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  let at = 0;
  while (at < text.length) {
    if (isBlank(text, at)) {
      at += 1;
      continue;
    }
    const end = text[at] === '"' ? quotedEnd(text, at) : wordEnd(text, at, '');
    words.push(text.slice(at, end));
    at = end;
  }
  return words;
}

/** Words that fields take one after the other. */
export class Words {
  private at = 0;
  private readonly words: readonly string[];

  constructor(words: readonly string[]) {
    this.words = words;
  }

  next(): string {
    const word = this.words[this.at];
    if (word === undefined) return refuse('value_short');
    this.at += 1;
    return word;
  }

  rest(): readonly string[] {
    const words = this.words.slice(this.at);
    this.at = this.words.length;
    return words;
  }

  end(): void {
    if (this.at < this.words.length) refuse('value_long');
  }
}
