import { argsOf } from '../library/builtin.ts';
import { tests } from '../library/tests.ts';
import { RenderError } from '../render-error.ts';
import type { Given, Value } from '../values/value.ts';
import { isFilter } from './filters.ts';
import { textOf } from '../values/value.ts';

/** Those that the evaluator answers itself, or by the names of filters and tests. */
const others = ['defined', 'undefined', 'filter', 'test'];

export const isTest = (name: string): boolean => tests.has(name) || others.includes(name);

export function applyTest(name: string, of: Value, given: Given): boolean {
  if (name === 'filter') return isFilter(textOf(of) ?? '');
  if (name === 'test') return isTest(textOf(of) ?? '');
  const found = tests.get(name);
  if (!found) throw new RenderError(`the test ${name} is not known`, null);
  return found.run(of, argsOf(name, found.parameters, given), given) === true;
}
