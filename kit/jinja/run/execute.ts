// Carries out statements and collects what they put out.
import { deeper, place, spend, spendText } from '../meter.ts';
import { RenderError } from '../render-error.ts';
import { functions } from '../library/functions.ts';
import type { FilterCall, LoopNode, Macro, Statement, Target } from '../syntax/nodes.ts';
import { concat } from '../values/operators.ts';
import { str } from '../values/print.ts';
import { iterate } from '../values/compare.ts';
import { Bag, Callable, Dict, Missing, Tuple, either } from '../values/value.ts';
import type { Given, Value } from '../values/value.ts';
import { Evaluator } from './evaluate.ts';
import type { EvaluationSettings } from './evaluate.ts';
import { loopBag } from './loop.ts';
import { VariableScope } from './scope.ts';

/** What is put out, piece by piece. */
type Output = (piece: Value) => void;

/** How a body ended: at its end, or by leaving the loop around it. */
type End = 'break' | 'continue' | null;

export class Executor {
  readonly #evaluator: Evaluator;

  constructor(settings: EvaluationSettings) {
    this.#evaluator = new Evaluator(settings);
  }

  /** The text of a template; `refuse` is asked of each piece that goes into it. */
  render(body: Statement[], context: [string, Value][], refuse: Output): Value {
    const pieces: Value[] = [];
    const out: Output = (piece) => {
      refuse(piece);
      pieces.push(piece);
    };
    this.#body(body, new VariableScope(new VariableScope(null, functions), context), out);
    return concat(pieces);
  }

  #body(body: Statement[], scope: VariableScope, out: Output): End {
    for (const statement of body) {
      place.line = statement.line;
      spend(1);
      const end = this.#statement(statement, scope, out);
      if (end !== null) return end;
    }
    return null;
  }

  #capture(body: Statement[], scope: VariableScope): Value {
    const pieces: Value[] = [];
    this.#body(body, scope, (piece) => pieces.push(piece));
    return concat(pieces);
  }

  #statement(node: Statement, scope: VariableScope, out: Output): End {
    switch (node.kind) {
      case 'text':
        spendText(node.text.length);
        out(node.text);
        return null;
      case 'output':
        out(str(this.#evaluator.value(node.value, scope)));
        return null;
      case 'if':
        return this.#if(node, scope, out);
      case 'for':
        return deeper(() => this.#for(node.loop, scope, out));
      case 'do':
        this.#evaluator.value(node.value, scope);
        return null;
      case 'break':
      case 'continue':
        return node.kind;
      case 'with':
      case 'block':
      case 'filterBlock':
      case 'callBlock':
        return deeper(() => this.#nested(node, scope, out));
      default:
        this.#define(node, scope);
        return null;
    }
  }

  #nested(
    node: Extract<Statement, { kind: 'with' | 'block' | 'filterBlock' | 'callBlock' }>,
    scope: VariableScope,
    out: Output,
  ): End {
    const inner = new VariableScope(scope);
    switch (node.kind) {
      case 'with':
        for (const [target, value] of node.values) this.#assign(target, this.#evaluator.value(value, scope), inner);
        return this.#body(node.body, inner, out);
      case 'block':
        return this.#body(node.body, inner, out);
      case 'filterBlock':
        out(str(this.#filtered(this.#capture(node.body, inner), node.filters, scope)));
        return null;
      case 'callBlock': {
        if (node.call.kind !== 'call') return null;
        const given = this.#evaluator.given(node.call.args, scope);
        given.named.set('caller', this.#macro(node.macro, scope));
        out(str(this.#evaluator.call(this.#evaluator.value(node.call.of, scope), given)));
        return null;
      }
    }
  }

  #define(node: Extract<Statement, { kind: 'set' | 'capture' | 'macro' }>, scope: VariableScope): void {
    switch (node.kind) {
      case 'set':
        this.#assign(node.target, this.#evaluator.value(node.value, scope), scope);
        return;
      case 'capture': {
        const text = deeper(() => this.#capture(node.body, new VariableScope(scope)));
        this.#assign(node.target, this.#filtered(text, node.filters, scope), scope);
        return;
      }
      case 'macro':
        scope.set(node.macro.name, this.#macro(node.macro, scope));
    }
  }

  #filtered(text: Value, filters: FilterCall[], scope: VariableScope): Value {
    return filters.reduce((value, call) => this.#evaluator.filter(call, value, scope), text);
  }

  #if(node: Extract<Statement, { kind: 'if' }>, scope: VariableScope, out: Output): End {
    for (const [condition, body] of node.branches) {
      if (this.#evaluator.isSo(condition, scope)) return deeper(() => this.#body(body, scope, out));
    }
    return this.#body(node.otherwise, scope, out);
  }

  #assign(target: Target, value: Value, scope: VariableScope): void {
    if (target.kind === 'name') {
      scope.set(target.name, value);
      return;
    }
    if (target.kind === 'member') {
      const bag = scope.get(target.of);
      if (!(bag instanceof Bag) || bag.name !== 'namespace') throw new RenderError(`${target.of} is no namespace`);
      bag.attributes.set(target.name, value);
      return;
    }
    const items = iterate(value);
    if (items.length !== target.targets.length) {
      throw new RenderError(`${target.targets.length} values are needed, there are ${items.length}`);
    }
    target.targets.forEach((one, at) => this.#assign(one, items[at] ?? null, scope));
  }

  #for(loop: LoopNode, scope: VariableScope, out: Output, over?: Value, depth = 0): null {
    const all = iterate(over ?? this.#evaluator.value(loop.over, scope));
    const { condition } = loop;
    const items = condition
      ? all.filter((item) => {
          const inner = new VariableScope(scope);
          this.#assign(loop.target, item, inner);
          return this.#evaluator.isSo(condition, inner);
        })
      : all;
    const again = (given: Value): Value => {
      const pieces: Value[] = [];
      this.#for(loop, scope, (piece) => pieces.push(piece), given, depth + 1);
      return concat(pieces);
    };
    const bag = loopBag(items, depth, loop.isRecursive ? again : null);
    for (const item of items) {
      bag.advance();
      const inner = new VariableScope(scope, [['loop', bag.value]]);
      this.#assign(loop.target, item, inner);
      if (this.#body(loop.body, inner, out) === 'break') break;
    }
    if (items.length === 0) this.#body(loop.otherwise, new VariableScope(scope), out);
    return null;
  }

  #macro({ name, parameters, body }: Macro, scope: VariableScope): Callable {
    return new Callable(name, ({ positional, named }: Given) => {
      const inner = new VariableScope(scope);
      const rest = new Map(named);
      parameters.forEach(({ name: own, otherwise }, at) => {
        const given = either(positional[at], named.get(own));
        rest.delete(own);
        const instead = (): Value => (otherwise ? this.#evaluator.value(otherwise, inner) : new Missing(own));
        inner.set(own, given === undefined ? instead() : given);
      });
      const caller = rest.get('caller');
      if (caller !== undefined && rest.delete('caller')) inner.set('caller', caller);
      inner.set('varargs', new Tuple(positional.slice(parameters.length)));
      inner.set('kwargs', new Dict(rest));
      return this.#capture(body, inner);
    });
  }
}
