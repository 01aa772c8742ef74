// What can be told of a template before there are values: filters, tests, methods and functions that are not known,
// constant parts that fail, and free text that stands raw. What this does not see is found when a plan is made.
import { functions } from './library/functions.ts';
import { refuel } from './meter.ts';
import { rawText } from './raw-text.ts';
import { RenderError } from './render-error.ts';
import { Evaluator } from './run/evaluate.ts';
import type { EvaluationSettings } from './run/evaluate.ts';
import { isFilter } from './run/filters.ts';
import { methodNames } from './run/methods.ts';
import { VariableScope } from './run/scope.ts';
import { isTest } from './run/tests.ts';
import type { Expression, FilterCall, Statement } from './syntax/nodes.ts';
import { expressionsOf, innerOf, partsOf, targetsOf } from './syntax/walk.ts';
import { textOf } from './values/value.ts';

/** Filters that take the name of a filter or of a test, and where. */
const namesFilter = new Set(['map']);
const namesTest: Record<string, number> = { select: 0, reject: 0, selectattr: 1, rejectattr: 1 };

function unknown(kind: string, name: string, line: number): never {
  throw new RenderError(`the ${kind} ${name} is not known`, line);
}

function checkFilter({ name, args, line }: FilterCall): void {
  if (!isFilter(name)) unknown('filter', name, line);
  const constant = (at: number): string | null => {
    const node = args.positional[at];
    return node?.kind === 'constant' ? textOf(node.value) : null;
  };
  const filter = namesFilter.has(name) ? constant(0) : null;
  if (filter !== null && !isFilter(filter)) unknown('filter', filter, line);
  const place = namesTest[name];
  const test = place === undefined ? null : constant(place);
  if (test !== null && !isTest(test)) unknown('test', test, line);
}

class Checker {
  readonly #settings: EvaluationSettings;
  /** Every name that the template itself gives something. */
  readonly #own = new Set(['caller', 'loop']);

  constructor(settings: EvaluationSettings) {
    this.#settings = settings;
  }

  check(body: Statement[]): void {
    this.#collect(body);
    this.#body(body);
  }

  #collect(body: Statement[]): void {
    for (const statement of body) {
      for (const name of targetsOf(statement)) this.#own.add(name);
      innerOf(statement).forEach((inner) => {
        this.#collect(inner);
      });
    }
  }

  #body(body: Statement[]): void {
    for (const statement of body) {
      const { expressions, filters } = expressionsOf(statement);
      for (const filter of filters) checkFilter(filter);
      for (const expression of expressions) this.#expression(expression);
      innerOf(statement).forEach((inner) => {
        this.#body(inner);
      });
    }
  }

  /** Whether the expression is made of constants alone. */
  #expression(node: Expression): boolean {
    if (node.kind === 'filter') checkFilter(node);
    if (node.kind === 'test' && !isTest(node.name)) unknown('test', node.name, node.line);
    if (node.kind === 'call') this.#call(node.of, node.line);
    const parts = partsOf(node).map((part) => this.#expression(part));
    const isConstant = node.kind !== 'name' && node.kind !== 'either' && parts.every(Boolean);
    if (isConstant) this.#evaluate(node);
    return isConstant;
  }

  #evaluate(node: Expression): void {
    refuel();
    new Evaluator(this.#settings).maybe(node, new VariableScope(null, functions));
  }

  #call(of: Expression, line: number): void {
    if (of.kind === 'name' && !functions.has(of.name) && !this.#own.has(of.name)) unknown('function', of.name, line);
    const isOfOwn = of.kind === 'attribute' && of.of.kind === 'name' && this.#own.has(of.of.name);
    if (of.kind === 'attribute' && !isOfOwn && !methodNames.has(of.name)) unknown('method', of.name, line);
  }
}

/** Throws RenderError for the first mistake that can be told without values. */
export function check(body: Statement[], settings: EvaluationSettings, free: readonly string[]): void {
  new Checker(settings).check(body);
  const raw = rawText(body, free, settings.language);
  if (raw) throw raw;
}
