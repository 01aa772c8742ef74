// Cuts a template into text and tags, as jinja2 does with its default delimiters. Line ends are LF from here on.
import { syntaxError } from '../render-error.ts';
import { lineBreaks, nextToken } from './tokens.ts';
import type { Token } from './tokens.ts';

export type Piece =
  { kind: 'text'; text: string; line: number } | { kind: 'expression' | 'statement'; tokens: Token[]; line: number };

const opening = /\{\{|\{%|\{#/g;
const rawTag = /\{%[-+]?\s*raw\s*(?<strip>-?)[+]?%\}/y;
const rawEnd = /\{%(?<before>[-+]?)\s*endraw\s*(?<after>[-+]?)%\}/g;
const commentEnd = /(?<after>-?)#\}/g;
const blank = /\s*/y;
const closings = { expression: /(?<after>-?)\}\}/y, statement: /(?<after>[-+]?)%\}/y } as const;

class Lexer {
  readonly pieces: Piece[] = [];
  readonly #template: string;
  #at = 0;
  #line = 1;
  #stripNext = false;

  constructor(template: string) {
    this.#template = template;
  }

  run(): Piece[] {
    for (;;) {
      opening.lastIndex = this.#at;
      const open = opening.exec(this.#template);
      this.#text(open ? open.index : this.#template.length, open ? this.#template[opening.lastIndex] === '-' : false);
      if (!open) return this.pieces;
      if (open[0] === '{#') this.#comment();
      else if (open[0] === '{%' && this.#isRaw()) this.#raw();
      else this.#tag(open[0] === '{{' ? 'expression' : 'statement');
    }
  }

  /** Takes the text up to `end`, cut at its sides as the tags beside it say. */
  #text(end: number, stripEnd: boolean): void {
    const whole = this.#template.slice(this.#at, end);
    let text = this.#stripNext ? whole.trimStart() : whole;
    if (stripEnd) text = text.trimEnd();
    if (text !== '') this.pieces.push({ kind: 'text', text, line: this.#line });
    this.#move(end);
    this.#stripNext = false;
  }

  #move(to: number): void {
    this.#line += lineBreaks(this.#template.slice(this.#at, to));
    this.#at = to;
  }

  #comment(): void {
    commentEnd.lastIndex = this.#at + 2;
    const end = commentEnd.exec(this.#template);
    if (!end) throw syntaxError('a comment has no end', this.#line);
    this.#move(commentEnd.lastIndex);
    this.#stripNext = end.groups?.['after'] === '-';
  }

  #isRaw(): boolean {
    rawTag.lastIndex = this.#at;
    return rawTag.test(this.#template);
  }

  #raw(): void {
    rawTag.lastIndex = this.#at;
    const begin = rawTag.exec(this.#template);
    const from = rawTag.lastIndex;
    rawEnd.lastIndex = from;
    const end = rawEnd.exec(this.#template);
    if (!end) throw syntaxError('raw has no end', this.#line);
    this.#move(from);
    this.#stripNext = begin?.groups?.['strip'] === '-';
    this.#text(end.index, end.groups?.['before'] === '-');
    this.#move(rawEnd.lastIndex);
    this.#stripNext = end.groups?.['after'] === '-';
  }

  #tag(kind: 'expression' | 'statement'): void {
    const begun = this.#line;
    const sign = this.#template[this.#at + 2] ?? '';
    this.#move(this.#at + ('-+'.includes(sign) && sign !== '' ? 3 : 2));
    const tokens: Token[] = [];
    let depth = 0;
    for (;;) {
      const end = depth === 0 ? this.#closing(kind) : null;
      if (end) {
        this.#stripNext = end === '-';
        this.pieces.push({ kind, tokens, line: begun });
        return;
      }
      const next = nextToken(this.#template, this.#at, this.#line);
      if (!next)
        throw syntaxError(
          this.#at >= this.#template.trimEnd().length ? 'a tag has no end' : 'unexpected character',
          this.#line,
        );
      this.#line = next.token.line + lineBreaks(next.token.text);
      this.#at = next.end;
      tokens.push(next.token);
      if ('([{'.includes(next.token.text)) depth += 1;
      if (')]}'.includes(next.token.text)) depth -= 1;
      if (depth < 0) throw syntaxError(`unexpected '${next.token.text}'`, next.token.line);
    }
  }

  /** The sign of the end that is here, '' for a plain one; null: no end is here. Blanks before it are passed over. */
  #closing(kind: 'expression' | 'statement'): string | null {
    blank.lastIndex = this.#at;
    blank.test(this.#template);
    const pattern = closings[kind];
    pattern.lastIndex = blank.lastIndex;
    const end = pattern.exec(this.#template);
    if (!end) return null;
    this.#move(pattern.lastIndex);
    return end[0].length > 2 ? (end.groups?.['after'] ?? '') : ' ';
  }
}

/** Throws RenderError for a tag, comment or raw part without an end. */
export const cut = (template: string): Piece[] => new Lexer(template.replace(/\r\n?/g, '\n')).run();
