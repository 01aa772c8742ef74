// The values of templates, as Python has them. Nothing of JavaScript's own objects can be reached through them: attributes
// are looked up in tables and never on the values themselves.
import { RenderError } from '../render-error.ts';
import type { Marked } from './mark.ts';

/** int is bigint, float is number, a list is an array. */
export type Value =
  null | boolean | bigint | number | string | Marked | Value[] | Tuple | Dict | View | Callable | Bag | Missing;

export interface Given {
  positional: Value[];
  named: Map<string, Value>;
}

export class Tuple {
  readonly items: Value[];
  constructor(items: Value[]) {
    this.items = items;
  }
}

/** What `keys()`, `values()` and `items()` of a map give. */
export class View {
  readonly name: string;
  readonly items: Value[];
  constructor(name: string, items: Value[]) {
    this.name = name;
    this.items = items;
  }
}

export class Callable {
  readonly name: string;
  readonly run: (given: Given) => Value;
  constructor(name: string, run: (given: Given) => Value) {
    this.name = name;
    this.run = run;
  }
}

/** Something with attributes: `loop`, a namespace, a cycler. */
export class Bag {
  readonly name: string;
  readonly attributes: Map<string, Value>;
  /** `loop` of a recursive loop can be called. */
  readonly call: Callable | null;
  constructor(name: string, attributes: Iterable<[string, Value]>, call: Callable | null = null) {
    this.name = name;
    this.attributes = new Map(attributes);
    this.call = call;
  }
}

/** What is not there; it is asked by `default` and `is defined` alone. */
export class Missing {
  readonly written: string;
  constructor(written: string) {
    this.written = written;
  }
}

/** The first that is there; None is there. */
export const either = (...options: (Value | undefined)[]): Value | undefined =>
  options.find((one) => one !== undefined);

export class Dict {
  readonly #pairs = new Map<string, [Value, Value]>();

  constructor(pairs: Iterable<[Value, Value]> = []) {
    for (const [key, value] of pairs) this.set(key, value);
  }

  get size(): number {
    return this.#pairs.size;
  }

  get(key: Value): Value | undefined {
    return this.#pairs.get(hash(key))?.[1];
  }

  set(key: Value, value: Value): void {
    const place = hash(key);
    this.#pairs.set(place, [this.#pairs.get(place)?.[0] ?? key, value]);
  }

  delete(key: Value): void {
    this.#pairs.delete(hash(key));
  }

  clear(): void {
    this.#pairs.clear();
  }

  pairs(): [Value, Value][] {
    return [...this.#pairs.values()];
  }

  keys(): Value[] {
    return this.pairs().map(([key]) => key);
  }

  values(): Value[] {
    return this.pairs().map(([, value]) => value);
  }
}

/** The same for keys that are equal: 1, 1.0 and true are. */
function hash(key: Value): string {
  const text = textOf(key);
  if (text !== null) return `s${text}`;
  if (key === null) return 'none';
  if (typeof key === 'boolean') return `n${Number(key)}`;
  if (typeof key === 'bigint' || typeof key === 'number') return `n${key}`;
  if (key instanceof Tuple) return `t${JSON.stringify(key.items.map(hash))}`;
  throw new RenderError(`a ${typeName(key)} cannot be a key of a map`);
}

/** The characters of a text, whatever marks it bears; null: it is no text. */
export function textOf(value: Value): string | null {
  if (typeof value === 'string') return value;
  return isMarked(value) ? value.text : null;
}

export const isMarked = (value: Value): value is Marked =>
  typeof value === 'object' && value !== null && 'isMarked' in value;

export const isNumber = (value: Value): value is bigint | number | boolean =>
  typeof value === 'bigint' || typeof value === 'number' || typeof value === 'boolean';

export function typeName(value: Value): string {
  if (textOf(value) !== null) return 'str';
  if (value === null) return 'None';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'float';
  if (Array.isArray(value)) return 'list';
  if (value instanceof Tuple) return 'tuple';
  if (value instanceof Dict) return 'dict';
  if (value instanceof Callable) return 'function';
  return value instanceof View || value instanceof Bag ? value.name : 'undefined';
}

/** The items of a list, tuple or view as they are; null for all else. */
export function itemsOf(value: Value): Value[] | null {
  if (Array.isArray(value)) return value;
  return value instanceof Tuple || value instanceof View ? value.items : null;
}
