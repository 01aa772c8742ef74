// Gives expressions their values. A name that is not there is an error wherever it stands, but for `default` and
// `is defined`: a script with a hole in it does harm.
import { deeper, place, spend } from '../meter.ts';
import { RenderError } from '../render-error.ts';
import { sliceOf } from '../library/functions.ts';
import { lookup } from '../library/lookup.ts';
import type { QuotedLanguage } from '../library/quote.ts';
import { whole } from '../library/whole.ts';
import type { Arguments, Expression } from '../syntax/nodes.ts';
import { changed, withMark } from '../values/marked.ts';
import { isEqual, isIn, isTrue, iterate, order } from '../values/compare.ts';
import { calculate, concat, negative } from '../values/operators.ts';
import {
  Bag,
  Callable,
  Dict,
  Missing,
  Tuple,
  either,
  isMarked,
  isNumber,
  itemsOf,
  textOf,
  typeName,
} from '../values/value.ts';
import type { Given, Value } from '../values/value.ts';
import { applyFilter, isFilter, takesMissing } from './filters.ts';
import { methodOf } from './methods.ts';
import type { VariableScope } from './scope.ts';
import { applyTest, isTest } from './tests.ts';

export interface EvaluationSettings {
  language: QuotedLanguage;
}

const unknown = (written: string): RenderError => new RenderError(`the name ${written} is not known`, null, written);

function present(value: Value): Value {
  if (value instanceof Missing) throw unknown(value.written);
  return value;
}

export class Evaluator {
  readonly #settings: EvaluationSettings;

  constructor(settings: EvaluationSettings) {
    this.#settings = settings;
  }

  value(node: Expression, scope: VariableScope): Value {
    return present(this.maybe(node, scope));
  }

  isSo(node: Expression, scope: VariableScope): boolean {
    return isTrue(this.value(node, scope));
  }

  /** The value, or what is missing. */
  maybe(node: Expression, scope: VariableScope): Value {
    place.line = node.line;
    spend(1);
    return deeper(() => this.#evaluate(node, scope));
  }

  #evaluate(node: Expression, scope: VariableScope): Value {
    switch (node.kind) {
      case 'constant':
        return node.value;
      case 'name':
        return this.#name(node, scope);
      case 'attribute':
      case 'item':
        return this.#member(node, scope);
      case 'slice':
        return this.#slice(node, scope);
      case 'list':
        return this.#all(node.items, scope);
      case 'tuple':
        return new Tuple(this.#all(node.items, scope));
      case 'concat':
        return concat(this.#all(node.items, scope));
      case 'dict':
        return new Dict(
          node.pairs.map(([key, one]): [Value, Value] => [this.value(key, scope), this.value(one, scope)]),
        );
      case 'call':
        return this.call(this.value(node.of, scope), this.given(node.args, scope));
      case 'filter':
        return this.filter(node, this.maybe(node.of, scope), scope);
      case 'test':
        return this.#test(node, scope);
      case 'unary':
        return this.#unary(node.sign, this.value(node.of, scope));
      case 'binary':
        return this.#binary(node, scope);
      case 'compare':
        return this.#compare(node, scope);
      case 'either':
        if (this.isSo(node.condition, scope)) return this.value(node.then, scope);
        return node.otherwise ? this.value(node.otherwise, scope) : '';
    }
  }

  #name({ name, written }: Extract<Expression, { kind: 'name' }>, scope: VariableScope): Value {
    const found = scope.get(name);
    return found === undefined ? new Missing(written) : found;
  }

  #all(nodes: Expression[], scope: VariableScope): Value[] {
    return nodes.map((node) => this.value(node, scope));
  }

  #member(node: Extract<Expression, { kind: 'attribute' | 'item' }>, scope: VariableScope): Value {
    const of = this.value(node.of, scope);
    const key = node.kind === 'item' ? this.value(node.key, scope) : node.name;
    place.line = node.line;
    const name = textOf(key);
    const method = (name === null ? null : methodOf(of, name)) ?? undefined;
    const item = lookup(of, key);
    const found = node.kind === 'attribute' ? either(method, item) : either(item, method);
    return found === undefined ? new Missing(node.written) : found;
  }

  #slice(node: Extract<Expression, { kind: 'slice' }>, scope: VariableScope): Value {
    const of = this.value(node.of, scope);
    const bounds = [node.from, node.to, node.step].map((bound) => {
      const value = bound && this.value(bound, scope);
      if (value === null) return null;
      if (!isNumber(value)) throw new RenderError('a slice goes from number to number');
      return Math.max(-(2 ** 31), Math.min(2 ** 31, Number(whole(value))));
    });
    const text = textOf(of);
    if (text !== null) return withMark(sliceOf([...text], bounds).join(''), isMarked(of) ? changed(of.mark) : null);
    const items = itemsOf(of);
    if (!items) throw new RenderError(`a ${typeName(of)} cannot be sliced`);
    spend(items.length);
    return Array.isArray(of) ? sliceOf(items, bounds) : new Tuple(sliceOf(items, bounds));
  }

  #test(node: Extract<Expression, { kind: 'test' }>, scope: VariableScope): Value {
    const of = this.maybe(node.of, scope);
    const isSo =
      node.name === 'defined' || node.name === 'undefined'
        ? of instanceof Missing === (node.name === 'undefined')
        : this.#applied(node.name, present(of), this.given(node.args, scope));
    return isSo !== node.isNegated;
  }

  #applied(name: string, of: Value, given: Given): boolean {
    if (name === 'filter') return isFilter(textOf(of) ?? '');
    return name === 'test' ? isTest(textOf(of) ?? '') : applyTest(name, of, given);
  }

  #unary(sign: 'not' | '-' | '+', value: Value): Value {
    if (sign === 'not') return !isTrue(value);
    return sign === '-' ? negative(value) : negative(negative(value));
  }

  #binary({ sign, left, right }: Extract<Expression, { kind: 'binary' }>, scope: VariableScope): Value {
    const first = this.value(left, scope);
    if (sign === 'and') return isTrue(first) ? this.value(right, scope) : first;
    if (sign === 'or') return isTrue(first) ? first : this.value(right, scope);
    return calculate(sign, first, this.value(right, scope));
  }

  #compare({ first, rest }: Extract<Expression, { kind: 'compare' }>, scope: VariableScope): boolean {
    let left = this.value(first, scope);
    for (const [sign, node] of rest) {
      const right = this.value(node, scope);
      if (!compare(sign, left, right)) return false;
      left = right;
    }
    return true;
  }

  given(args: Arguments, scope: VariableScope): Given {
    const positional = this.#all(args.positional, scope);
    if (args.spread) positional.push(...iterate(this.value(args.spread, scope)));
    const named = new Map(args.named.map(([name, node]) => [name, this.value(node, scope)]));
    const more = args.spreadNamed && this.value(args.spreadNamed, scope);
    if (more !== null && !(more instanceof Dict)) throw new RenderError('** needs a map');
    for (const [key, value] of more?.pairs() ?? []) named.set(textOf(key) ?? '', value);
    return { positional, named };
  }

  filter(call: { name: string; args: Arguments }, of: Value, scope: VariableScope): Value {
    const given = this.given(call.args, scope);
    return applyFilter(call.name, takesMissing(call.name) ? of : present(of), given, this.#settings.language);
  }

  call(of: Value, given: Given): Value {
    spend(1);
    const callable = of instanceof Bag ? of.call : of;
    if (!(callable instanceof Callable)) throw new RenderError(`a ${typeName(of)} cannot be called`);
    return deeper(() => callable.run(given));
  }
}

function compare(sign: string, left: Value, right: Value): boolean {
  switch (sign) {
    case '==':
      return isEqual(left, right);
    case '!=':
      return !isEqual(left, right);
    case 'in':
      return isIn(left, right);
    case 'not in':
      return !isIn(left, right);
    case '<':
      return order(left, right) < 0;
    case '<=':
      return order(left, right) <= 0;
    case '>':
      return order(left, right) > 0;
    default:
      return order(left, right) >= 0;
  }
}
