import { deeper, spend } from '../meter.ts';
import { RenderError } from '../render-error.ts';
import { changed, withMark } from './marked.ts';
import { Dict, Missing, Tuple, isMarked, isNumber, itemsOf, textOf, typeName } from './value.ts';
import type { Value } from './value.ts';

export function isTrue(value: Value): boolean {
  const text = textOf(value);
  if (text !== null) return text !== '';
  if (value === null || value instanceof Missing) return false;
  if (isNumber(value)) return Boolean(value);
  if (value instanceof Dict) return value.size > 0;
  return (itemsOf(value)?.length ?? 1) > 0;
}

/** Numbers of all kinds as JavaScript compares them. */
const numeric = (value: bigint | number | boolean): bigint | number =>
  typeof value === 'boolean' ? BigInt(value) : value;

export function isEqual(one: Value, other: Value): boolean {
  spend(1);
  const [left, right] = [textOf(one), textOf(other)];
  if (left !== null || right !== null) return left === right;
  if (isNumber(one) && isNumber(other)) return numeric(one) == numeric(other);
  if (one instanceof Dict && other instanceof Dict) {
    return (
      one.size === other.size &&
      deeper(() =>
        one.pairs().every(([key, value]) => {
          const found = other.get(key);
          return found !== undefined && isEqual(value, found);
        }),
      )
    );
  }
  const sameKind = Array.isArray(one) === Array.isArray(other) && one instanceof Tuple === other instanceof Tuple;
  const [first, second] = [itemsOf(one), itemsOf(other)];
  if (!first || !second || !sameKind) return one === other;
  return first.length === second.length && deeper(() => first.every((item, at) => isEqual(item, second[at] ?? null)));
}

const compareTexts = (left: string, right: string): number => {
  const [one, other] = [[...left], [...right]];
  for (let at = 0; at < Math.min(one.length, other.length); at += 1) {
    const difference = (one[at]?.codePointAt(0) ?? 0) - (other[at]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return one.length - other.length;
};

/** Below 0, 0, or above 0; throws for what has no order. */
export function order(one: Value, other: Value): number {
  spend(1);
  const [left, right] = [textOf(one), textOf(other)];
  if (left !== null && right !== null) return compareTexts(left, right);
  if (isNumber(one) && isNumber(other)) {
    const [first, second] = [numeric(one), numeric(other)];
    return first < second ? -1 : first > second ? 1 : 0;
  }
  const [first, second] = [itemsOf(one), itemsOf(other)];
  if (first && second && typeName(one) === typeName(other)) {
    for (let at = 0; at < Math.min(first.length, second.length); at += 1) {
      const difference = deeper(() => order(first[at] ?? null, second[at] ?? null));
      if (difference !== 0) return difference;
    }
    return first.length - second.length;
  }
  throw new RenderError(`a ${typeName(one)} and a ${typeName(other)} cannot be put in order`);
}

export function isIn(item: Value, container: Value): boolean {
  const [part, text] = [textOf(item), textOf(container)];
  if (text !== null) {
    if (part === null) throw new RenderError(`a ${typeName(item)} cannot be in a str`);
    return text.includes(part);
  }
  if (container instanceof Dict) return container.get(item) !== undefined;
  const items = itemsOf(container);
  if (!items) throw new RenderError(`nothing can be in a ${typeName(container)}`);
  return items.some((one) => isEqual(one, item));
}

/** The items of anything that a loop can go over. A marked text gives marked characters. */
export function iterate(value: Value): Value[] {
  const text = textOf(value);
  const mark = isMarked(value) ? changed(value.mark) : null;
  const characters = text === null ? null : [...text].map((character) => withMark(character, mark));
  const items = characters ?? (value instanceof Dict ? value.keys() : itemsOf(value));
  if (!items) throw new RenderError(`a ${typeName(value)} is no list`);
  spend(items.length);
  return items;
}
