// Filters that take and give lists and maps. The items go through as they are, with the marks they bear.
import { spend } from '../meter.ts';
import { RenderError } from '../render-error.ts';
import { isEqual, isTrue, iterate } from '../values/compare.ts';
import { calculate, concat } from '../values/operators.ts';
import { Dict, Missing, Tuple, isNumber, textOf, typeName } from '../values/value.ts';
import type { Given, Value } from '../values/value.ts';
import { builtin, library } from './builtin.ts';
import type { Args } from './builtin.ts';
import { attributeGetter } from './lookup.ts';
import { ignoringCase, sorted } from './sorting.ts';

const list = (parameters: string, run: (items: Value[], args: Args) => Value) =>
  builtin<Value>(parameters, (value, args) => run(iterate(value), args));

/** Compares as told: whole items or an attribute, with or without regard to case. */
const keyOf =
  (attribute: Value | undefined, isCaseSensitive: boolean) =>
  (item: Value): Value => {
    const key = attribute === undefined || attribute === null ? item : attributeGetter(attribute)(item);
    return isCaseSensitive ? key : ignoringCase(key);
  };

function sort(items: Value[], args: Args): Value {
  const attribute = args.given(2);
  const names = attribute === undefined ? null : textOf(attribute)?.split(',');
  const key = (item: Value): Value =>
    names ? new Tuple(names.map((name) => keyOf(name, args.flag(1))(item))) : keyOf(attribute, args.flag(1))(item);
  return sorted(items, key, args.flag(0));
}

function unique(items: Value[], args: Args): Value {
  const seen = new Dict();
  return items.filter((item) => {
    const key = keyOf(args.given(1), args.flag(0))(item);
    const isNew = seen.get(key) === undefined;
    seen.set(key, true);
    return isNew;
  });
}

function batch(items: Value[], args: Args): Value {
  const size = args.int(0);
  if (size < 1) throw new RenderError('batch: the number is less than 1');
  const rows: Value[][] = [];
  for (let at = 0; at < items.length; at += size) rows.push(items.slice(at, at + size));
  const [fill, last] = [args.given(1) ?? null, rows.at(-1)];
  spend(size);
  while (fill !== null && last && last.length < size) last.push(fill);
  return rows;
}

function slice(items: Value[], args: Args): Value {
  const count = args.int(0);
  if (count < 1) throw new RenderError('slice: the number is less than 1');
  spend(count);
  const [each, more, fill] = [Math.floor(items.length / count), items.length % count, args.given(1) ?? null];
  return Array.from({ length: count }, (_, at) => {
    const from = at * each + Math.min(at, more);
    const part = items.slice(from, from + each + (at < more ? 1 : 0));
    return fill !== null && at >= more ? [...part, fill] : part;
  });
}

function groups(items: Value[], args: Args): Value {
  const found = new Map<string, { key: Value; items: Value[] }>();
  const key = (item: Value): Value => {
    const value = attributeGetter(args.value(0))(item);
    return value instanceof Missing ? (args.given(1) ?? null) : value;
  };
  for (const item of sorted(items, (one) => keyOf(undefined, args.flag(2))(key(one)), false)) {
    const last = [...found.values()].at(-1);
    const own = key(item);
    const same =
      last && isEqual(args.flag(2) ? last.key : ignoringCase(last.key), args.flag(2) ? own : ignoringCase(own));
    if (same) last.items.push(item);
    else found.set(String(found.size), { key: own, items: [item] });
  }
  return [...found.values()].map((group) => new Tuple([group.key, group.items]));
}

function extreme(sign: 1 | -1) {
  return list('case_sensitive attribute', (items, args) => {
    const [first] = sorted(items, keyOf(args.given(1), args.flag(0)), sign < 0);
    return items.length > 0 ? (first ?? null) : new Missing('the item of an empty list');
  });
}

function sum(items: Value[], args: Args): Value {
  const attribute = args.given(0) ?? null;
  const each = attribute === null ? items : items.map(attributeGetter(attribute));
  return each.reduce(
    (total, item) => {
      if (!isNumber(item)) throw new RenderError(`sum needs numbers, not a ${typeName(item)}`);
      return calculate('+', total, item);
    },
    args.given(1) ?? 0n,
  );
}

function dictsort(value: Value, args: Args): Value {
  if (!(value instanceof Dict)) throw new RenderError(`dictsort needs a map, not a ${typeName(value)}`);
  const by = args.text(1, 'key');
  if (by !== 'key' && by !== 'value') throw new RenderError('dictsort: by is key or value');
  const key = (pair: [Value, Value]): Value => keyOf(undefined, args.flag(0))(pair[by === 'key' ? 0 : 1]);
  return sorted(value.pairs(), key, args.flag(2)).map((pair) => new Tuple(pair));
}

const backwards = (value: Value): Value => {
  if (textOf(value) !== null) return concat(iterate(value).reverse());
  return [...iterate(value)].reverse();
};

export const listFilters = library<Value>({
  attr: builtin('name', (value, args) => attributeGetter(args.value(0))(value)),
  batch: list('linecount fill_with', batch),
  dictsort: builtin('case_sensitive by reverse', dictsort),
  first: list('', (items) => (items.length > 0 ? (items[0] ?? null) : new Missing('the first item of an empty list'))),
  groupby: list('attribute default case_sensitive', groups),
  items: builtin('', (value) => {
    if (!(value instanceof Dict)) throw new RenderError(`items needs a map, not a ${typeName(value)}`);
    return value.pairs().map((pair) => new Tuple(pair));
  }),
  join: list('d attribute', (items, args) => {
    const attribute = args.given(1) ?? null;
    const each = attribute === null ? items : items.map(attributeGetter(attribute));
    const sign = args.given(0) ?? '';
    return concat(each.flatMap((item, at) => (at === 0 ? [item] : [sign, item])));
  }),
  last: list('', (items) =>
    items.length > 0 ? (items.at(-1) ?? null) : new Missing('the last item of an empty list'),
  ),
  list: list('', (items) => [...items]),
  max: extreme(-1),
  min: extreme(1),
  reverse: builtin('', backwards),
  slice: list('slices fill_with', slice),
  sort: list('reverse case_sensitive attribute', sort),
  sum: list('attribute start', sum),
  unique: list('case_sensitive attribute', unique),
});

/** `select`, `rejectattr` and their like, which take a test by name. */
export function choose(
  value: Value,
  { positional, named }: Given,
  { byAttribute, wanted }: { byAttribute: boolean; wanted: boolean },
  test: (name: string, of: Value, given: Given) => boolean,
): Value {
  const [first, ...more] = positional;
  if (byAttribute && first === undefined) throw new RenderError('the name of an attribute is needed');
  const [name, ...rest] = byAttribute ? more : positional;
  const get = byAttribute ? attributeGetter(first ?? null) : (item: Value): Value => item;
  const testName = name === undefined ? null : textOf(name);
  return iterate(value).filter((item) => {
    const of = get(item);
    const isSo = testName === null ? isTrue(of) : test(testName, of, { positional: rest, named });
    return isSo === wanted;
  });
}
