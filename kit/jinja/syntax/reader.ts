import { syntaxError } from '../render-error.ts';
import type { RenderError } from '../render-error.ts';
import type { Token } from './tokens.ts';

/** Goes over the tokens of one tag. */
export class TokenReader {
  readonly #tokens: Token[];
  readonly #end: Token;
  protected at = 0;

  constructor(tokens: Token[], line: number) {
    this.#tokens = tokens;
    this.#end = { kind: 'end', text: '', value: '', line: tokens.at(-1)?.line ?? line };
  }

  get current(): Token {
    return this.#tokens[this.at] ?? this.#end;
  }

  get next(): Token {
    return this.#tokens[this.at + 1] ?? this.#end;
  }

  take(): Token {
    const token = this.current;
    this.at += 1;
    return token;
  }

  /** What was read since a token, as written but for blanks. */
  written(from: number, to = this.at): string {
    return this.#tokens
      .slice(from, to)
      .map(({ text }) => text)
      .join('');
  }

  isEnd(): boolean {
    return this.current.kind === 'end';
  }

  isSign(...signs: string[]): boolean {
    return this.current.kind === 'sign' && signs.includes(this.current.text);
  }

  isName(name: string): boolean {
    return this.current.kind === 'name' && this.current.text === name;
  }

  takeSign(...signs: string[]): Token | null {
    return this.isSign(...signs) ? this.take() : null;
  }

  takeName(name: string): Token | null {
    return this.isName(name) ? this.take() : null;
  }

  expectSign(sign: string): void {
    if (!this.takeSign(sign)) throw this.unexpected(`'${sign}'`);
  }

  expectName(): string {
    if (this.current.kind !== 'name') throw this.unexpected('a name');
    return this.take().text;
  }

  closed<T>(sign: string, value: T): T {
    this.expectSign(sign);
    return value;
  }

  dotted(): string {
    let name = this.expectName();
    while (this.takeSign('.')) name += `.${this.expectName()}`;
    return name;
  }

  finish<T>(value: T): T {
    if (!this.isEnd()) throw this.unexpected('the end of the tag');
    return value;
  }

  unexpected(wanted: string): RenderError {
    const { kind, text, line } = this.current;
    const found = kind === 'end' ? 'the end of the tag' : `'${text}'`;
    return syntaxError(`${wanted} is expected, found ${found}`, line);
  }
}
