// The methods of lists, tuples and maps. The items keep whatever marks they bear.
import { spend } from '../meter.ts';
import { RenderError } from '../render-error.ts';
import { isEqual, iterate } from '../values/compare.ts';
import { Dict, Tuple, View, either } from '../values/value.ts';
import type { Value } from '../values/value.ts';
import { builtin, library } from './builtin.ts';
import type { Args } from './builtin.ts';
import { sorted } from './sorting.ts';

const positionOf = (items: Value[], wanted: Value): bigint => {
  const at = items.findIndex((item) => isEqual(item, wanted));
  if (at < 0) throw new RenderError('the item is not in the list');
  return BigInt(at);
};

const countOf = (items: Value[], wanted: Value): bigint => BigInt(items.filter((item) => isEqual(item, wanted)).length);

function taken(list: Value[], at: number): Value {
  const [item] = list.splice(at < 0 ? at + list.length : at, 1);
  if (item === undefined) throw new RenderError('there is no such item to take');
  return item;
}

/** A change gives nothing, as in Python. */
const change = (parameters: string, run: (list: Value[], args: Args) => void) =>
  builtin<Value[]>(parameters, (list, args) => {
    spend(1);
    run(list, args);
    return null;
  });

export const listMethods = library<Value[]>({
  append: change('item', (list, args) => list.push(args.value(0))),
  clear: change('', (list) => list.splice(0)),
  copy: builtin('', (list) => {
    spend(list.length);
    return [...list];
  }),
  count: builtin('item', (list, args) => countOf(list, args.value(0))),
  extend: change('items', (list, args) => iterate(args.value(0)).forEach((item) => list.push(item))),
  index: builtin('item', (list, args) => positionOf(list, args.value(0))),
  insert: change('index item', (list, args) => list.splice(args.int(0), 0, args.value(1))),
  pop: builtin('index', (list, args) => taken(list, args.int(0, -1))),
  remove: change('item', (list, args) => list.splice(Number(positionOf(list, args.value(0))), 1)),
  reverse: change('', (list) => list.reverse()),
  sort: change('reverse', (list, args) => list.splice(0, list.length, ...sorted(list, (item) => item, args.flag(0)))),
});

export const tupleMethods = library<Tuple>({
  count: builtin('item', (tuple, args) => countOf(tuple.items, args.value(0))),
  index: builtin('item', (tuple, args) => positionOf(tuple.items, args.value(0))),
});

const view = (name: string, items: (dict: Dict) => Value[]) =>
  builtin<Dict>('', (dict) => {
    spend(dict.size);
    return new View(name, items(dict));
  });

const pairsOf = (value: Value): [Value, Value][] =>
  value instanceof Dict
    ? value.pairs()
    : iterate(value).map((pair): [Value, Value] => {
        const [key, one] = iterate(pair);
        if (key === undefined || one === undefined) throw new RenderError('pairs are needed');
        return [key, one];
      });

/** A map of pairs and names, as `dict(…)` and `update(…)` take them. */
export function merge(dict: Dict, positional: Value[], named: ReadonlyMap<string, Value>): void {
  for (const [key, value] of [...positional.flatMap(pairsOf), ...named]) {
    spend(1);
    dict.set(key, value);
  }
}

export const dictMethods = library<Dict>({
  clear: builtin('', (dict) => {
    dict.clear();
    return null;
  }),
  copy: builtin('', (dict) => {
    spend(dict.size);
    return new Dict(dict.pairs());
  }),
  get: builtin('key default', (dict, args) => either(dict.get(args.value(0)), args.given(1)) ?? null),
  items: view('dict_items', (dict) => dict.pairs().map((pair) => new Tuple(pair))),
  keys: view('dict_keys', (dict) => dict.keys()),
  pop: builtin('key default', (dict, args) => {
    const found = either(dict.get(args.value(0)), args.given(1));
    if (found === undefined) throw new RenderError('the map has no such key');
    dict.delete(args.value(0));
    return found;
  }),
  setdefault: builtin('key default', (dict, args) => {
    spend(1);
    if (dict.get(args.value(0)) === undefined) dict.set(args.value(0), args.given(1) ?? null);
    return dict.get(args.value(0)) ?? null;
  }),
  update: builtin('other', (dict, args, { named }) => {
    merge(dict, args.given(0) === undefined ? [] : [args.value(0)], named);
    return null;
  }),
  values: view('dict_values', (dict) => dict.values()),
});
