// Marks of values that are made of marked text (mark.ts): no way round leaves a mark behind.
import { spend } from '../meter.ts';
import { Marked } from './mark.ts';
import type { Mark } from './mark.ts';
import { Dict, Tuple, View, isMarked } from './value.ts';
import type { Value } from './value.ts';

/** The mark of a whole that is put together of two. */
export const joined = (one: Mark | null, other: Mark | null): Mark | null =>
  one?.kind === 'free' ? one : (other ?? one);

export const withMark = (text: string, mark: Mark | null): string | Marked =>
  mark === null || text === '' ? text : new Marked(text, mark);

/** The strongest mark in a value. */
export function markOf(value: Value): Mark | null {
  if (isMarked(value)) return value.mark;
  if (typeof value !== 'object' || value === null) return null;
  const parts = Array.isArray(value)
    ? value
    : value instanceof Tuple || value instanceof View
      ? value.items
      : value instanceof Dict
        ? value.pairs().flat()
        : [];
  spend(parts.length);
  return parts.map(markOf).reduce(joined, null);
}

/** The value with every text in it changed. */
function mapTexts(value: Value, change: (text: string | Marked) => Value): Value {
  if (typeof value === 'string' || isMarked(value)) return change(value);
  if (typeof value !== 'object' || value === null) return value;
  const each = (part: Value): Value => mapTexts(part, change);
  if (Array.isArray(value)) return value.map(each);
  if (value instanceof Tuple) return new Tuple(value.items.map(each));
  if (value instanceof View) return new View(value.name, value.items.map(each));
  if (value instanceof Dict) return new Dict(value.pairs().map(([key, one]): [Value, Value] => [each(key), each(one)]));
  return value;
}

/** The value without its marks, to be given its mark again by `remark`. */
export const unmarked = (value: Value): Value =>
  markOf(value) === null ? value : mapTexts(value, (text) => (isMarked(text) ? text.text : text));

/** A mark on every text of a value. */
export const remarked = (value: Value, mark: Mark | null): Value =>
  mark === null ? value : mapTexts(value, (text) => withMark(isMarked(text) ? text.text : text, mark));

/** What was made of marked text in any way but by putting texts together. */
export const changed = (mark: Mark | null): Mark | null => mark && { kind: 'free', origin: mark.origin };
