// The entries of a master file (RFC 1035, 5.1): words of one logical line, without comments, through parentheses. Each
// character is looked at once, so that the cost is linear whatever the file holds.
import { refuse } from './refusals.ts';
import { quotedEnd, wordEnd } from './tokens.ts';

export interface Entry {
  /** Of its first word, from 1. */
  readonly line: number;
  /** Whether its first word stands at the line's beginning. */
  readonly hasOwner: boolean;
  readonly words: string[];
}

/** Four times what the data of a record can have, with room for comments. */
const longestEntry = 262_144;

export class ZoneLexer {
  private readonly text: string;
  private at = 0;
  private lineNumber = 1;

  constructor(text: string) {
    this.text = text.replace(/^\ufeff/, '').replaceAll('\r\n', '\n');
  }

  /** Where the lexer stands: after a refusal, the line that it is about. */
  get line(): number {
    return this.lineNumber;
  }

  /** The next entry; undefined at the end. */
  next(): Entry | undefined {
    while (this.at < this.text.length) {
      const entry = this.entry();
      if (entry.words.length > 0) return entry;
    }
    return undefined;
  }

  /** Goes on after a refusal. */
  skipLine(): void {
    const end = this.text.indexOf('\n', this.at);
    this.at = end < 0 ? this.text.length : end + 1;
    this.lineNumber += 1;
  }

  private entry(): Entry {
    const words: string[] = [];
    const hasOwner = !' \t'.includes(this.text[this.at] ?? ' ');
    const start = this.at;
    let [depth, line] = [0, this.lineNumber];
    for (; this.at < this.text.length; this.at += 1) {
      const character = this.text[this.at] ?? '';
      if (character === '\n') {
        this.lineNumber += 1;
        if (depth > 0) continue;
        this.at += 1;
        return { line, hasOwner, words };
      }
      if (character === '(') depth += 1;
      else if (character === ')') depth -= 1;
      else if (character === ';') this.at = this.lineEnd() - 1;
      else if (!' \t'.includes(character)) {
        if (words.length === 0) line = this.lineNumber;
        words.push(this.word(character));
      }
      if (depth < 0) refuse('zone_parentheses');
      if (this.at - start > longestEntry) refuse('zone_entry', { most: longestEntry });
    }
    if (depth > 0) refuse('zone_parentheses');
    return { line, hasOwner, words };
  }

  private lineEnd(): number {
    const end = this.text.indexOf('\n', this.at);
    return end < 0 ? this.text.length : end;
  }

  /** The word at the present place; leaves the place on its last character. */
  private word(first: string): string {
    const end = first === '"' ? quotedEnd(this.text, this.at) : wordEnd(this.text, this.at, ';()\n');
    const word = this.text.slice(this.at, end);
    this.at = end - 1;
    return word;
  }
}
