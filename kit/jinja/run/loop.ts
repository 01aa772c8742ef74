import { RenderError } from '../render-error.ts';
import { isEqual } from '../values/compare.ts';
import { Bag, Callable, Tuple } from '../values/value.ts';
import type { Value } from '../values/value.ts';

/** `loop` inside a for; `advance` goes to the next item. `again` is the loop itself where it is recursive. */
export function loopBag(
  items: Value[],
  depth: number,
  again: ((given: Value) => Value) | null,
): { value: Value; advance(): void } {
  let at = -1;
  let last: Value = null;
  const cycle = new Callable('cycle', ({ positional }) => {
    const item = positional[at % positional.length];
    if (item === undefined) throw new RenderError('cycle needs values');
    return item;
  });
  const changed = new Callable('changed', ({ positional }) => {
    const now = new Tuple(positional);
    const isOther = last === null || !isEqual(last, now);
    last = now;
    return isOther;
  });
  const call = again && new Callable('loop', ({ positional }) => again(positional[0] ?? null));
  const still = { cycle, changed, length: BigInt(items.length), depth: BigInt(depth + 1), depth0: BigInt(depth) };
  const bag = new Bag('loop', Object.entries<Value>(still), call);
  const advance = (): void => {
    at += 1;
    const number = BigInt(at);
    const size = BigInt(items.length);
    const now: Record<string, Value> = {
      index: number + 1n,
      index0: number,
      revindex: size - number,
      revindex0: size - number - 1n,
      first: at === 0,
      last: at === items.length - 1,
    };
    for (const [name, value] of Object.entries(now)) bag.attributes.set(name, value);
    for (const [name, item] of [
      ['previtem', items[at - 1]],
      ['nextitem', items[at + 1]],
    ] as const) {
      if (item === undefined) bag.attributes.delete(name);
      else bag.attributes.set(name, item);
    }
  };
  return { value: bag, advance };
}
