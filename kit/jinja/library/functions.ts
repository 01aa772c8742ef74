// The functions that every template has.
import { spend } from '../meter.ts';
import { RenderError } from '../render-error.ts';
import { Bag, Callable, Dict, textOf } from '../values/value.ts';
import type { Given, Value } from '../values/value.ts';
import { argsOf } from './builtin.ts';
import { merge } from './holder-methods.ts';
import { sliced } from './text.ts';

function range(given: Given): Value {
  const args = argsOf('range', ['start', 'stop', 'step'], given);
  const [from, to] = given.positional.length < 2 ? [0, args.int(0)] : [args.int(0), args.int(1)];
  const step = args.int(2, 1);
  if (step === 0) throw new RenderError('range: the step is zero');
  spend(Math.max(0, Math.ceil((to - from) / step)));
  const items: bigint[] = [];
  for (let at = from; step > 0 ? at < to : at > to; at += step) items.push(BigInt(at));
  return items;
}

function dict({ positional, named }: Given): Value {
  const made = new Dict();
  merge(made, positional, named);
  return made;
}

function cycler({ positional }: Given): Value {
  const bag = new Bag('cycler', []);
  let at = 0;
  const show = (): Value => {
    const item = positional[at % Math.max(1, positional.length)] ?? null;
    bag.attributes.set('current', item);
    return item;
  };
  const next = new Callable('next', () => {
    const item = show();
    at += 1;
    show();
    return item;
  });
  const reset = new Callable('reset', () => {
    at = 0;
    show();
    return null;
  });
  bag.attributes.set('next', next);
  bag.attributes.set('reset', reset);
  show();
  return bag;
}

function joiner({ positional }: Given): Value {
  let used = false;
  return new Callable('joiner', () => {
    const sign = used ? (positional[0] ?? ', ') : '';
    used = true;
    return sign;
  });
}

const namespace = ({ positional, named }: Given): Value => {
  const made = new Dict();
  merge(made, positional, named);
  return new Bag(
    'namespace',
    made.pairs().map(([key, value]): [string, Value] => [textOf(key) ?? '', value]),
  );
};

export const functions: ReadonlyMap<string, Callable> = new Map(
  Object.entries({ range, dict, cycler, joiner, namespace }).map(([name, run]) => [name, new Callable(name, run)]),
);

/** `text[a:b:c]` of the items of anything. */
export function sliceOf<T>(items: T[], bounds: (number | null)[]): T[] {
  const [from = null, to = null, step = null] = bounds;
  if (step === 0) throw new RenderError('the step of a slice is zero');
  return sliced(items.length, from, to, step ?? 1).flatMap((at) => items.slice(at, at + 1));
}
