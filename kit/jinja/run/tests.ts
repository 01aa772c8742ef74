import { argsOf } from '../library/builtin.ts';
import { tests } from '../library/tests.ts';
import { RenderError } from '../render-error.ts';
import type { Given, Value } from '../values/value.ts';

/** Those that the evaluator answers itself. */
const others = ['defined', 'undefined', 'filter', 'test'];

export const isTest = (name: string): boolean => tests.has(name) || others.includes(name);

export function applyTest(name: string, of: Value, given: Given): boolean {
  const found = tests.get(name);
  if (!found) throw new RenderError(`the test ${name} is not known`, null);
  return found.run(of, argsOf(name, found.parameters, given), given) === true;
}
