// What may follow `is`. `defined` and `undefined` are asked of the evaluator, since they take what is not there.
import { isEqual, isIn, order } from '../values/compare.ts';
import { calculate } from '../values/operators.ts';
import { strText } from '../values/print.ts';
import { Callable, Dict, View, isNumber, itemsOf, textOf } from '../values/value.ts';
import type { Value } from '../values/value.ts';
import { builtin, library } from './builtin.ts';
import type { Args } from './builtin.ts';

const is = (check: (value: Value) => boolean) => builtin<Value>('', (value) => check(value));
const against = (check: (value: Value, other: Value) => boolean) =>
  builtin<Value>('other', (value, args) => check(value, args.value(0)));
const text = (check: (value: string, part: string) => boolean) =>
  builtin<Value>('part', (value, args: Args) => check(strText(value), args.text(0)));

const isSequence = (value: Value): boolean =>
  textOf(value) !== null || value instanceof Dict || (itemsOf(value) !== null && !(value instanceof View));
const divides = (value: Value, by: Value): boolean => isEqual(calculate('%', value, by), 0n);
const [equal, greater, less] = [
  against(isEqual),
  against((value, other) => order(value, other) > 0),
  against((value, other) => order(value, other) < 0),
];
const notLess = against((value, other) => order(value, other) >= 0);
const notGreater = against((value, other) => order(value, other) <= 0);
const different = against((value, other) => !isEqual(value, other));

export const tests = library<Value>({
  '==': equal,
  eq: equal,
  equalto: equal,
  '!=': different,
  ne: different,
  '>': greater,
  gt: greater,
  greaterthan: greater,
  '>=': notLess,
  ge: notLess,
  '<': less,
  lt: less,
  lessthan: less,
  '<=': notGreater,
  le: notGreater,
  boolean: is((value) => typeof value === 'boolean'),
  callable: is((value) => value instanceof Callable),
  containing: text((value, part) => value.includes(part)),
  divisibleby: against(divides),
  endingwith: text((value, part) => value.endsWith(part)),
  escaped: is(() => false),
  even: is((value) => divides(value, 2n)),
  false: is((value) => value === false),
  float: is((value) => typeof value === 'number'),
  in: against(isIn),
  integer: is((value) => typeof value === 'bigint'),
  iterable: is((value) => textOf(value) !== null || value instanceof Dict || itemsOf(value) !== null),
  lower: is(
    (value) => strText(value) !== strText(value).toUpperCase() && strText(value) === strText(value).toLowerCase(),
  ),
  mapping: is((value) => value instanceof Dict),
  none: is((value) => value === null),
  number: is(isNumber),
  odd: is((value) => isEqual(calculate('%', value, 2n), 1n)),
  sameas: against((value, other) => value === other),
  sequence: is(isSequence),
  startingwith: text((value, part) => value.startsWith(part)),
  string: is((value) => textOf(value) !== null),
  true: is((value) => value === true),
  upper: is(
    (value) => strText(value) !== strText(value).toLowerCase() && strText(value) === strText(value).toUpperCase(),
  ),
});
