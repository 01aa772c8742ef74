import { spend } from '../meter.ts';
import { order } from '../values/compare.ts';
import { isMarked, textOf } from '../values/value.ts';
import type { Value } from '../values/value.ts';

/** In order of their keys, equal ones as they were. */
export function sorted<T>(items: readonly T[], key: (item: T) => Value, isReverse: boolean): T[] {
  spend(items.length);
  const keyed = items.map((item) => ({ item, key: key(item) }));
  keyed.sort((one, other) => (isReverse ? order(other.key, one.key) : order(one.key, other.key)));
  return keyed.map(({ item }) => item);
}

/** Text in small letters, all else as it is: how filters compare unless told otherwise. */
export const ignoringCase = (value: Value): Value =>
  typeof value === 'string' || isMarked(value) ? (textOf(value) ?? '').toLowerCase() : value;
