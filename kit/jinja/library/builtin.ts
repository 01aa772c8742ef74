// What filters, tests, methods and functions have in common: names of their arguments, and how those are given.
import { RenderError } from '../render-error.ts';
import { isTrue } from '../values/compare.ts';
import { either, isNumber, textOf, typeName } from '../values/value.ts';
import type { Given, Value } from '../values/value.ts';
import { whole } from './whole.ts';

type Optional = Value | undefined;

/** Arguments by their place; what is not given is undefined. */
export interface Args {
  value(at: number): Value;
  given(at: number): Optional;
  text(at: number, otherwise?: string): string;
  int(at: number, otherwise?: number): number;
  flag(at: number): boolean;
}

function bind(name: string, parameters: readonly string[], { positional, named }: Given): Optional[] {
  if (positional.length > parameters.length) {
    throw new RenderError(`${name} takes ${parameters.length} arguments, not ${positional.length}`);
  }
  const values: Optional[] = parameters.map((parameter, at) => either(positional[at], named.get(parameter)));
  for (const given of named.keys()) {
    const at = parameters.indexOf(given);
    if (at < 0 || at < positional.length) throw new RenderError(`${name} takes no argument ${given}`);
  }
  return values;
}

const largest = 2 ** 31;

export function argsOf(name: string, parameters: readonly string[], given: Given): Args {
  const values = bind(name, parameters, given);
  const missing = (at: number): RenderError => new RenderError(`${name} needs its argument ${parameters[at] ?? at}`);
  const value = (at: number): Value => {
    const found = values[at];
    if (found === undefined) throw missing(at);
    return found;
  };
  return {
    value,
    given: (at) => values[at],
    text(at, otherwise) {
      if (values[at] === undefined && otherwise !== undefined) return otherwise;
      const text = textOf(value(at));
      if (text === null) throw new RenderError(`${name} needs a str, not a ${typeName(value(at))}`);
      return text;
    },
    int(at, otherwise) {
      if (values[at] === undefined && otherwise !== undefined) return otherwise;
      const found = value(at);
      if (!isNumber(found)) throw new RenderError(`${name} needs a number, not a ${typeName(found)}`);
      return Math.max(-largest, Math.min(largest, Number(whole(found))));
    },
    flag: (at) => values[at] !== undefined && isTrue(values[at]),
  };
}

/** `parameters` are words, parted by blanks. */
interface Builtin<Of> {
  parameters: readonly string[];
  run(of: Of, args: Args, given: Given): Value;
}

export const builtin = <Of>(parameters: string, run: Builtin<Of>['run']): Builtin<Of> => ({
  parameters: parameters === '' ? [] : parameters.split(' '),
  run,
});

export type Library<Of> = ReadonlyMap<string, Builtin<Of>>;

export const library = <Of>(entries: Record<string, Builtin<Of>>): Library<Of> => new Map(Object.entries(entries));
