// The grammar of expressions, level by level as in jinja2's parser, which binds `|` and `is` closer than any operator and
// lets `**` take its operands from the left.
import { syntaxError } from '../render-error.ts';
import type { Arguments, Expression } from './nodes.ts';
import { TokenReader } from './reader.ts';

/** Parts of `a.b.c`; nobody needs more. */
const longestChain = 50;

type Parse = () => Expression;
const comparisons = new Set(['==', '!=', '<', '<=', '>', '>=']);
const constants: Record<string, boolean | null> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
};
const noArguments: Arguments = { positional: [], named: [], spread: null, spreadNamed: null };

export class ExpressionReader extends TokenReader {
  expression(withCondition = true): Expression {
    let value = this.#or();
    while (withCondition && this.isName('if')) {
      const { line } = this.take();
      const condition = this.#or();
      const otherwise = this.takeName('else') ? this.expression() : null;
      value = { kind: 'either', then: value, condition, otherwise, line };
    }
    return value;
  }

  /** One expression, or a tuple where commas follow. */
  tuple(withCondition = true): Expression {
    return this.#tuple(() => this.expression(withCondition), false);
  }

  #tuple(parse: Parse, mayBeEmpty: boolean): Expression {
    const { line } = this.current;
    const items: Expression[] = [];
    let isTuple = mayBeEmpty && this.isSign(')');
    while (!this.isSign(')') && !this.isEnd() && !this.isName('in')) {
      items.push(parse());
      if (!this.takeSign(',')) break;
      isTuple = true;
    }
    const [first] = items;
    if (isTuple) return { kind: 'tuple', items, line };
    if (!first) throw this.unexpected('an expression');
    return first;
  }

  #left(next: Parse, isOperator: () => boolean): Expression {
    let left = next();
    while (isOperator()) {
      const { text: sign, line } = this.take();
      left = { kind: 'binary', sign, left, right: next(), line };
    }
    return left;
  }

  #or(): Expression {
    return this.#left(
      () =>
        this.#left(
          () => this.#not(),
          () => this.isName('and'),
        ),
      () => this.isName('or'),
    );
  }

  #not(): Expression {
    const line = this.takeName('not')?.line;
    return line === undefined ? this.#compare() : { kind: 'unary', sign: 'not', of: this.#not(), line };
  }

  #comparison(): string | null {
    if (this.current.kind === 'sign' && comparisons.has(this.current.text)) return this.take().text;
    if (this.takeName('in')) return 'in';
    if (!this.isName('not') || this.next.text !== 'in') return null;
    this.take();
    this.take();
    return 'not in';
  }

  #compare(): Expression {
    const { line } = this.current;
    const first = this.#sum();
    const rest: [string, Expression][] = [];
    for (let sign = this.#comparison(); sign !== null; sign = this.#comparison()) rest.push([sign, this.#sum()]);
    return rest.length === 0 ? first : { kind: 'compare', first, rest, line };
  }

  #sum(): Expression {
    return this.#left(
      () => this.#concat(),
      () => this.isSign('+', '-'),
    );
  }

  #concat(): Expression {
    const { line } = this.current;
    const items = [this.#product()];
    while (this.takeSign('~')) items.push(this.#product());
    const [first] = items;
    return items.length === 1 && first ? first : { kind: 'concat', items, line };
  }

  #product(): Expression {
    return this.#left(
      () =>
        this.#left(
          () => this.#unary(true),
          () => this.isSign('**'),
        ),
      () => this.isSign('*', '/', '//', '%'),
    );
  }

  #unary(withFilters: boolean): Expression {
    const sign = this.takeSign('-', '+');
    const of = sign
      ? ({ kind: 'unary', sign: sign.text as '-' | '+', of: this.#unary(false), line: sign.line } as const)
      : this.primary();
    const value = this.#postfix(of);
    return withFilters ? this.#filters(value) : value;
  }

  protected primary(): Expression {
    const token = this.take();
    const { line, text } = token;
    if (token.kind === 'name') {
      if (Object.hasOwn(constants, text)) return { kind: 'constant', value: constants[text] ?? null, line };
      return { kind: 'name', name: text, written: text, line };
    }
    if (token.kind === 'number') return { kind: 'constant', value: token.value, line };
    if (token.kind === 'string') {
      let value = String(token.value);
      while (this.current.kind === 'string') value += String(this.take().value);
      return { kind: 'constant', value, line };
    }
    if (token.kind === 'sign' && text === '(')
      return this.closed(
        ')',
        this.#tuple(() => this.expression(), true),
      );
    if (token.kind === 'sign' && text === '[')
      return { kind: 'list', items: this.#until(']', () => this.expression()), line };
    if (token.kind === 'sign' && text === '{')
      return { kind: 'dict', pairs: this.#until('}', () => this.#pair()), line };
    throw syntaxError(`unexpected ${token.kind === 'end' ? 'end of the tag' : `'${text}'`}`, line);
  }

  #until<T>(end: string, parse: () => T): T[] {
    const items: T[] = [];
    while (!this.isSign(end)) {
      items.push(parse());
      if (!this.takeSign(',')) break;
    }
    this.expectSign(end);
    return items;
  }

  #pair(): [Expression, Expression] {
    const key = this.expression();
    this.expectSign(':');
    return [key, this.expression()];
  }

  #postfix(first: Expression): Expression {
    const from = this.at - 1;
    let value = first;
    const links: Extract<Expression, { written: string }>[] = value.kind === 'name' ? [value] : [];
    /** All links of `a.b["c"]` are named by the whole of it. */
    const name = (): void => {
      const written = links.length > 0 ? this.written(from) : '';
      for (const link of links.splice(0)) link.written = written;
    };
    for (let length = 0; this.isSign('.', '[', '('); length += 1) {
      if (length >= longestChain) throw syntaxError('a chain of names is too long', this.current.line);
      const { line } = this.current;
      if (this.isSign('(')) {
        name();
        value = { kind: 'call', of: value, args: this.args(), line };
        continue;
      }
      const [before, sign] = [this.at, this.take().text];
      value = sign === '.' ? this.#member(value, line) : this.#subscript(value, line);
      const isFixed = value.kind === 'attribute' || (value.kind === 'item' && value.key.kind === 'constant');
      if (!isFixed) for (const link of links.splice(0)) link.written = this.written(from, before);
      if (value.kind === 'attribute' || value.kind === 'item') links.push(value);
    }
    name();
    return value;
  }

  #member(of: Expression, line: number): Expression {
    const token = this.take();
    if (token.kind === 'name') return { kind: 'attribute', of, name: token.text, written: '', line };
    if (token.kind !== 'number') throw syntaxError('a name is expected after .', token.line);
    return { kind: 'item', of, key: { kind: 'constant', value: token.value, line }, written: '', line };
  }

  #subscript(of: Expression, line: number): Expression {
    const bound = (): Expression | null => (this.isSign(':', ']') ? null : this.expression());
    const from = bound();
    if (!this.isSign(':')) {
      if (!from) throw this.unexpected('an expression');
      return this.closed(']', { kind: 'item', of, key: from, written: '', line });
    }
    this.take();
    const to = bound();
    const step = this.takeSign(':') ? bound() : null;
    return this.closed(']', { kind: 'slice', of, from, to, step, line });
  }

  #filters(first: Expression): Expression {
    let value = first;
    for (;;) {
      const { line } = this.current;
      if (this.takeSign('|')) value = { kind: 'filter', of: value, ...this.filter(), line };
      else if (this.takeName('is')) value = this.#test(value, line);
      else if (this.isSign('(')) value = { kind: 'call', of: value, args: this.args(), line };
      else return value;
    }
  }

  /** A filter after its `|`. */
  protected filter(): { name: string; args: Arguments } {
    const name = this.dotted();
    return { name, args: this.isSign('(') ? this.args() : noArguments };
  }

  #test(of: Expression, line: number): Expression {
    const isNegated = this.takeName('not') !== null;
    const name = this.dotted();
    const { kind, text } = this.current;
    const begins = ['name', 'string', 'number'].includes(kind) || (kind === 'sign' && '[{'.includes(text));
    const args = this.isSign('(')
      ? this.args()
      : begins && !['else', 'or', 'and', 'is', 'if', 'in', 'not'].includes(text)
        ? { ...noArguments, positional: [this.#postfix(this.primary())] }
        : noArguments;
    return { kind: 'test', of, name, args, isNegated, line };
  }

  protected args(): Arguments {
    this.expectSign('(');
    const args: Arguments = { positional: [], named: [], spread: null, spreadNamed: null };
    while (!this.isSign(')')) {
      const { line } = this.current;
      if (this.takeSign('**')) args.spreadNamed = this.expression();
      else if (this.takeSign('*')) args.spread = this.expression();
      else if (this.current.kind === 'name' && this.next.text === '=' && this.next.kind === 'sign') {
        const name = this.take().text;
        this.take();
        args.named.push([name, this.expression()]);
      } else if (args.named.length > 0 || args.spreadNamed) throw syntaxError('a value follows a named argument', line);
      else args.positional.push(this.expression());
      if (!this.takeSign(',')) break;
    }
    this.expectSign(')');
    return args;
  }
}
