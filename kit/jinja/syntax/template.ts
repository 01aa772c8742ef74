// The grammar of statements. What reads other templates (include, import, extends) is refused: there are none.
import { RenderError, syntaxError } from '../render-error.ts';
import { ExpressionReader } from './expressions.ts';
import { cut } from './lexer.ts';
import type { Piece } from './lexer.ts';
import type { Expression, FilterCall, Macro, MacroParameter, Statement, Target } from './nodes.ts';

class StatementReader extends ExpressionReader {
  /** The filters of a block: `upper|trim(1)`. */
  filters(): FilterCall[] {
    const found: FilterCall[] = [];
    do found.push({ line: this.current.line, ...this.filter() });
    while (this.takeSign('|'));
    return found;
  }

  target(): Target {
    const { line } = this.current;
    const targets: Target[] = [];
    let isTuple = false;
    while (!this.isSign('=', ')') && !this.isName('in') && !this.isEnd()) {
      targets.push(this.#one());
      if (!this.takeSign(',')) break;
      isTuple = true;
    }
    const [first] = targets;
    if (!first) throw this.unexpected('a name');
    return isTuple ? { kind: 'targets', targets, line } : first;
  }

  #one(): Target {
    const { line } = this.current;
    if (this.takeSign('(')) return this.closed(')', this.target());
    const name = this.expectName();
    return this.takeSign('.')
      ? { kind: 'member', of: name, name: this.expectName(), line }
      : { kind: 'name', name, line };
  }

  parameters(): MacroParameter[] {
    const found: MacroParameter[] = [];
    if (!this.takeSign('(')) return found;
    while (!this.isSign(')')) {
      const name = this.expectName();
      found.push({ name, otherwise: this.takeSign('=') ? this.expression() : null });
      if (!this.takeSign(',')) break;
    }
    this.expectSign(')');
    return found;
  }
}

class TemplateReader {
  readonly #pieces: Piece[];
  #at = 0;

  constructor(pieces: Piece[]) {
    this.#pieces = pieces;
  }

  /** Statements up to a tag of one of these names, which is taken; without names to the end of the template. */
  body(
    ends: string[],
    opened: { name: string; line: number } | null,
  ): { body: Statement[]; end: string; tag: StatementReader } {
    const body: Statement[] = [];
    for (;;) {
      const piece = this.#pieces[this.#at];
      if (!piece) {
        if (opened) throw syntaxError(`${opened.name} has no end`, opened.line);
        return { body, end: '', tag: new StatementReader([], 1) };
      }
      this.#at += 1;
      const { line } = piece;
      if (piece.kind === 'text') body.push({ kind: 'text', text: piece.text, line });
      else if (piece.kind === 'expression') {
        const reader = new ExpressionReader(piece.tokens, line);
        body.push({ kind: 'output', value: reader.finish(reader.tuple()), line });
      } else {
        const tag = new StatementReader(piece.tokens, line);
        const name = tag.expectName();
        if (ends.includes(name)) return { body, end: name, tag };
        body.push(this.#statement(name, tag, line));
      }
    }
  }

  #block(name: string, line: number): Statement[] {
    const { body, tag } = this.body([`end${name}`], { name, line });
    if (name === 'block' && tag.current.kind === 'name') tag.take();
    tag.finish(null);
    return body;
  }

  #statement(name: string, tag: StatementReader, line: number): Statement {
    switch (name) {
      case 'if':
        return this.#if(tag, line);
      case 'for':
        return this.#for(tag, line);
      case 'set':
        return this.#set(tag, line);
      case 'with':
        return this.#with(tag, line);
      case 'macro':
        return { kind: 'macro', macro: this.#macro(tag.expectName(), tag, 'macro', line), line };
      case 'call':
        return this.#call(tag, line);
      case 'filter': {
        const filters = tag.finish(tag.filters());
        return { kind: 'filterBlock', filters, body: this.#block('filter', line), line };
      }
      case 'block':
        tag.finish(tag.expectName());
        return { kind: 'block', body: this.#block('block', line), line };
      case 'do':
        return { kind: 'do', value: tag.finish(tag.tuple()), line };
      case 'break':
      case 'continue':
        return tag.finish({ kind: name, line });
      case 'include':
      case 'import':
      case 'from':
      case 'extends':
        throw new RenderError(`${name} is not possible: a script stands alone`, line, null);
      default:
        throw syntaxError(`unknown tag '${name}'`, line);
    }
  }

  #if(first: StatementReader, line: number): Statement {
    const branches: [Expression, Statement[]][] = [];
    let condition = first.finish(first.tuple(false));
    for (;;) {
      const { body, end, tag } = this.body(['elif', 'else', 'endif'], { name: 'if', line });
      branches.push([condition, body]);
      if (end === 'elif') {
        condition = tag.finish(tag.tuple(false));
        continue;
      }
      tag.finish(null);
      return { kind: 'if', branches, otherwise: end === 'else' ? this.#block('if', line) : [], line };
    }
  }

  #for(tag: StatementReader, line: number): Statement {
    const target = tag.target();
    if (!tag.takeName('in')) throw tag.unexpected("'in'");
    const over = tag.tuple(false);
    const condition = tag.takeName('if') ? tag.expression() : null;
    const isRecursive = tag.takeName('recursive') !== null;
    tag.finish(null);
    const { body, end, tag: last } = this.body(['else', 'endfor'], { name: 'for', line });
    last.finish(null);
    const otherwise = end === 'else' ? this.#block('for', line) : [];
    return { kind: 'for', loop: { target, over, condition, isRecursive, body, otherwise }, line };
  }

  #set(tag: StatementReader, line: number): Statement {
    const target = tag.target();
    if (tag.takeSign('=')) return { kind: 'set', target, value: tag.finish(tag.tuple()), line };
    const filters = tag.takeSign('|') ? tag.filters() : [];
    tag.finish(null);
    return { kind: 'capture', target, filters, body: this.#block('set', line), line };
  }

  #with(tag: StatementReader, line: number): Statement {
    const values: [Target, Expression][] = [];
    while (!tag.isEnd()) {
      const target = tag.target();
      tag.expectSign('=');
      values.push([target, tag.expression()]);
      if (!tag.takeSign(',')) break;
    }
    tag.finish(null);
    return { kind: 'with', values, body: this.#block('with', line), line };
  }

  #macro(name: string, tag: StatementReader, block: string, line: number): Macro {
    const parameters = tag.parameters();
    tag.finish(null);
    return { name, parameters, body: this.#block(block, line) };
  }

  #call(tag: StatementReader, line: number): Statement {
    const parameters = tag.parameters();
    const call = tag.finish(tag.expression());
    if (call.kind !== 'call') throw syntaxError('a call is expected', line);
    return { kind: 'callBlock', call, macro: { name: 'caller', parameters, body: this.#block('call', line) }, line };
  }
}

/** Throws RenderError with the line. */
export const parse = (template: string): Statement[] => new TemplateReader(cut(template)).body([], null).body;
