// Finds and calls the methods of values.
import { RenderError } from '../render-error.ts';
import { format } from '../library/format.ts';
import { argsOf } from '../library/builtin.ts';
import type { Library } from '../library/builtin.ts';
import { dictMethods, listMethods, tupleMethods } from '../library/holder-methods.ts';
import { textMethods } from '../library/text-methods.ts';
import { changed, joined, markOf, remarked, unmarked } from '../values/marked.ts';
import { concat } from '../values/operators.ts';
import { iterate } from '../values/compare.ts';
import { Callable, Dict, Tuple, textOf, typeName } from '../values/value.ts';
import type { Given, Value } from '../values/value.ts';

/** What text can do besides: both put texts together, and so keep the marks apart. */
const joining: Record<string, (text: Value, given: Given) => Value> = {
  format,
  join(text, given) {
    const items = iterate(argsOf('join', ['iterable'], given).value(0));
    const other = items.find((item) => textOf(item) === null);
    if (other !== undefined) throw new RenderError(`join needs texts, not a ${typeName(other)}`);
    return concat(items.flatMap((item, at) => (at === 0 ? [item] : [text, item])));
  },
};

const ofNamespaces = ['next', 'reset', 'cycle', 'changed'];

/** Every method that any value has. */
export const methodNames: ReadonlySet<string> = new Set([
  ...[textMethods, listMethods, tupleMethods, dictMethods].flatMap((one) => [...one.keys()]),
  ...Object.keys(joining),
  ...ofNamespaces,
]);

/** Work on plain values whose result bears the mark of all that went in. */
export function withoutMarks(of: Value, given: Given, run: (of: Value, given: Given) => Value): Value {
  const inputs = [of, ...given.positional, ...given.named.values()];
  const mark = inputs.map(markOf).reduce(joined, null);
  if (mark === null) return run(of, given);
  const named = new Map([...given.named].map(([name, value]) => [name, unmarked(value)]));
  return remarked(run(unmarked(of), { positional: given.positional.map(unmarked), named }), changed(mark));
}

function textMethod(text: Value, name: string): Callable | null {
  const join = Object.hasOwn(joining, name) ? joining[name] : undefined;
  if (join) return new Callable(name, (given) => join(text, given));
  const found = textMethods.get(name);
  if (!found) return null;
  const run = (of: Value, given: Given): Value =>
    found.run(textOf(of) ?? '', argsOf(name, found.parameters, given), given);
  return new Callable(name, (given) => withoutMarks(text, given, run));
}

function bound<Of>(methods: Library<Of>, of: Of, name: string): Callable | null {
  const found = methods.get(name);
  return found
    ? new Callable(name, (given) =>
        found.run(
          of,
          argsOf(name, name === 'update' ? ['other', ...given.named.keys()] : found.parameters, given),
          given,
        ),
      )
    : null;
}

/** The method of a value; null: it has none of this name. */
export function methodOf(of: Value, name: string): Callable | null {
  if (textOf(of) !== null) return textMethod(of, name);
  if (Array.isArray(of)) return bound(listMethods, of, name);
  if (of instanceof Tuple) return bound(tupleMethods, of, name);
  return of instanceof Dict ? bound(dictMethods, of, name) : null;
}
