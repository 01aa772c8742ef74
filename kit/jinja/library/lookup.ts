// What `a.b` and `a["b"]` find. Methods are told apart from attributes by the caller, which has the tables of them.
import { RenderError } from '../render-error.ts';
import { changed, withMark } from '../values/marked.ts';
import { Bag, Dict, Missing, isMarked, isNumber, itemsOf, textOf } from '../values/value.ts';
import type { Value } from '../values/value.ts';
import { whole } from './whole.ts';

function at(items: Value[], key: Value): Value | undefined {
  if (!isNumber(key)) return undefined;
  const place = Number(whole(key));
  return items[place < 0 ? place + items.length : place];
}

/** The item or attribute of a value; undefined: there is none. */
export function lookup(of: Value, key: Value): Value | undefined {
  if (of instanceof Missing) throw new RenderError(`the name ${of.written} is not known`, null, of.written);
  if (of instanceof Dict) return of.get(key);
  if (of instanceof Bag) return of.attributes.get(textOf(key) ?? '');
  const text = textOf(of);
  if (text !== null) {
    const character = isNumber(key) ? at([...text], key) : undefined;
    return character === undefined
      ? undefined
      : withMark(textOf(character) ?? '', isMarked(of) ? changed(of.mark) : null);
  }
  const items = itemsOf(of);
  return items ? at(items, key) : undefined;
}

/** Goes along `a.b.0`, as the `attribute` of filters is written. */
export function attributeGetter(attribute: Value): (item: Value) => Value {
  const text = textOf(attribute);
  const path: Value[] =
    text === null ? [attribute] : text.split('.').map((part) => (/^\d+$/.test(part) ? BigInt(part) : part));
  return (item) =>
    path.reduce<Value>((value, key) => {
      const found = lookup(value, key);
      return found === undefined ? new Missing('an attribute') : found;
    }, item);
}
