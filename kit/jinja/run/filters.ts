// Finds and applies filters, and keeps the marks of free text right in doing so: text filters are given plain text and their
// result bears the mark of all that went in; list filters hand the items through with the marks that they bear.
import { argsOf } from '../library/builtin.ts';
import { json } from '../library/json.ts';
import { choose, listFilters } from '../library/list-filters.ts';
import { attributeGetter } from '../library/lookup.ts';
import { numberFilters } from '../library/number-filters.ts';
import { quote } from '../library/quote.ts';
import type { QuotedLanguage } from '../library/quote.ts';
import { printf } from '../library/printf.ts';
import { textFilters } from '../library/text-filters.ts';
import { lines, split } from '../library/text.ts';
import { RenderError } from '../render-error.ts';
import { changed, markOf, withMark } from '../values/marked.ts';
import { isTrue, iterate } from '../values/compare.ts';
import { strText } from '../values/print.ts';
import { Dict, Missing, Tuple, textOf } from '../values/value.ts';
import type { Given, Value } from '../values/value.ts';
import { withoutMarks } from './methods.ts';
import { applyTest, isTest } from './tests.ts';

type Special = (of: Value, given: Given, language: QuotedLanguage) => Value;

/** Quoted text may be printed; quoting it again is possible, changing it takes the right away. */
function quoted(of: Value, { positional }: Given, language: QuotedLanguage): Value {
  if (positional.length > 0) throw new RenderError('quote takes no arguments');
  const mark = markOf(of);
  return withMark(quote(strText(of), language), mark && { kind: 'quoted', origin: mark.origin });
}

/** JSON is a literal of Python, not of a shell. */
function tojson(of: Value, given: Given, language: QuotedLanguage): Value {
  const mark = markOf(of);
  const indent = argsOf('tojson', ['indent'], given).given(0) ?? null;
  const text = json(of, indent === null ? null : argsOf('tojson', ['indent'], given).int(0));
  return withMark(text, mark && (language === 'python' ? { kind: 'quoted', origin: mark.origin } : changed(mark)));
}

const otherwise: Special = (of, { positional, named }) => {
  const [value = named.get('default_value') ?? '', isForEmpty = named.get('boolean') ?? false] = positional;
  return of instanceof Missing || (isTrue(isForEmpty) && !isTrue(of)) ? value : of;
};

const mapped: Special = (of, { positional, named }, language) => {
  const attribute = named.get('attribute');
  const [name = null, ...rest] = positional;
  const filter = textOf(name) ?? '';
  if (attribute === undefined && !isFilter(filter)) throw new RenderError('map needs a filter that is known');
  const get = attribute === undefined ? null : attributeGetter(attribute);
  const rule = { positional: rest, named };
  return iterate(of).map((item) => {
    if (!get) return applyFilter(filter, item, rule, language);
    const value = get(item);
    if (!(value instanceof Missing)) return value;
    const instead = named.get('default');
    if (instead === undefined) throw new RenderError(`the name ${value.written} is not known`, null, value.written);
    return instead;
  });
};

const chosen =
  (byAttribute: boolean, wanted: boolean): Special =>
  (of, given) =>
    choose(of, given, { byAttribute, wanted }, (name, item, rule) => {
      if (!isTest(name)) throw new RenderError('select and reject need a test that is known');
      return applyTest(name, item, rule);
    });

const special = new Map<string, Special>(
  Object.entries({
    d: otherwise,
    default: otherwise,
    format: (of, { positional, named }) => {
      if (positional.length > 0 && named.size > 0) throw new RenderError('format takes values or names, not both');
      return printf(of, named.size > 0 ? new Dict(named) : new Tuple(positional));
    },
    lines: (of) => withoutMarks(of, { positional: [], named: new Map() }, (text) => lines(strText(text), false)),
    map: mapped,
    quote: quoted,
    reject: chosen(false, false),
    rejectattr: chosen(true, false),
    select: chosen(false, true),
    selectattr: chosen(true, true),
    split: (of, given) =>
      withoutMarks(of, given, (text, plain) => {
        const args = argsOf('split', ['sep', 'maxsplit'], plain);
        const separator = args.given(0) ?? null;
        return split(strText(text), separator === null ? null : args.text(0), args.int(1, -1));
      }),
    tojson,
  } satisfies Record<string, Special>),
);

/** Whether a filter deals with what is not there. */
export const takesMissing = (name: string): boolean => name === 'default' || name === 'd';

export const isFilter = (name: string): boolean =>
  [special, listFilters, numberFilters, textFilters].some((one) => one.has(name));

export function applyFilter(name: string, of: Value, given: Given, language: QuotedLanguage): Value {
  const run = special.get(name);
  if (run) return run(of, given, language);
  const structural = listFilters.get(name) ?? numberFilters.get(name);
  if (structural) return structural.run(of, argsOf(name, structural.parameters, given), given);
  const textual = textFilters.get(name);
  if (!textual) throw new RenderError(`the filter ${name} is not known`);
  return withoutMarks(of, given, (plain, args) => textual.run(plain, argsOf(name, textual.parameters, args), args));
}
