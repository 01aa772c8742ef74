// Python's `str.format`: `"{} {1:>8} {name.first!r}".format(…)`.
import { spendText } from '../meter.ts';
import { RenderError } from '../render-error.ts';
import { changed, joined, markOf, withMark } from '../values/marked.ts';
import { repr, str } from '../values/print.ts';
import { Dict, isNumber, itemsOf, textOf, typeName } from '../values/value.ts';
import type { Given, Value } from '../values/value.ts';
import { fixed, floatIn, grouped, padded, thousands } from './numbers.ts';
import { whole } from './whole.ts';

const field = /\{\{|\}\}|\{(?<path>[^{}!:]*)(?:!(?<conversion>[rsa]))?(?::(?<spec>(?:[^{}]|\{[^{}]*\})*))?\}|[{}]/g;
const specification =
  /^(?:(?<fill>[^])?(?<align>[<>=^]))?(?<sign>[-+ ])?(?<alternate>#)?(?<zero>0)?(?<width>\d+)?(?<comma>[,_])?(?:\.(?<precision>\d+))?(?<type>[a-zA-Z%])?$/u;

function follow(first: Value, path: string): Value {
  let value: Value = first;
  for (const [, name, index] of path.matchAll(/\.([^.[]+)|\[([^\]]+)\]/g)) {
    if (name !== undefined) throw new RenderError('a format may not look at attributes');
    const key = index ?? '';
    const found: Value | undefined =
      value instanceof Dict ? value.get(key) : /^\d+$/.test(key) ? itemsOf(value)?.[Number(key)] : undefined;
    if (found === undefined) throw new RenderError('the format names what is not given');
    value = found;
  }
  return value;
}

function digitsOf(
  value: bigint | number,
  type: string,
  precision: number | null,
  sign: string,
  isAlternate: boolean,
): string {
  const base = { d: 10, n: 10, x: 16, X: 16, o: 8, b: 2 }[type];
  if (base !== undefined) {
    if (typeof value === 'number') throw new RenderError('the format needs an int');
    const prefix = isAlternate && base !== 10 ? `0${type}` : '';
    const text = grouped(whole(value), { base, sign, prefix, digits: 0 });
    return type === 'X' ? text.toUpperCase() : text;
  }
  if (type === '%') return `${floatIn(Number(value) * 100, 'f', precision ?? 6, sign)}%`;
  if (type !== '' && 'eEfFgG'.includes(type)) return floatIn(Number(value), type, precision ?? 6, sign);
  if (type === '') return precision === null ? plain(value, sign) : floatIn(Number(value), 'g', precision, sign);
  throw new RenderError('the format is not known');
}

const plain = (value: bigint | number, sign: string): string => {
  const text = textOf(str(value)) ?? '';
  return sign === '-' || text.startsWith('-') ? text : sign + text;
};

function shown(value: Value, spec: string): string {
  const found = specification.exec(spec)?.groups as Partial<Record<string, string>> | undefined;
  if (!found) throw new RenderError('the format is not known');
  const { fill, align, sign = '-', alternate, zero, width, comma, precision, type = '' } = found;
  const space = fill ?? (zero ? '0' : ' ');
  const places = precision === undefined ? null : Number(precision);
  const size = Number(width ?? 0);
  if (isNumber(value) && !(typeof value === 'boolean' && type === '')) {
    const digits = digitsOf(
      typeof value === 'boolean' ? BigInt(value) : value,
      type,
      places,
      sign,
      alternate !== undefined,
    );
    return padded(comma ? thousands(digits, comma) : digits, size, align ?? (zero ? '=' : '>'), space);
  }
  if (type !== '' && type !== 's') throw new RenderError(`the format does not fit a ${typeName(value)}`);
  const text = textOf(str(value)) ?? '';
  return padded(places === null ? text : [...text].slice(0, places).join(''), size, align ?? '<', space);
}

/** Fills a format in. */
export function format(template: Value, { positional, named }: Given): Value {
  let count = 0;
  let mark = markOf(template);
  const valueAt = (path: string): Value => {
    const [name = ''] = /^[^.[]*/.exec(path) ?? [];
    const value = name === '' ? positional[count++] : /^\d+$/.test(name) ? positional[Number(name)] : named.get(name);
    if (value === undefined) throw new RenderError('the format names what is not given');
    return follow(value, path.slice(name.length));
  };
  const text = (textOf(template) ?? '').replace(field, (...match) => {
    const [all = ''] = match as string[];
    if (all === '{{' || all === '}}') return all.slice(1);
    if (all === '{' || all === '}') throw new RenderError(`a single ${all} in a format`);
    const { path = '', conversion, spec = '' } = match.at(-1) as Partial<Record<string, string>>;
    const value = valueAt(path);
    const filled = spec.replace(/\{([^{}]*)\}/g, (_, inner: string) => textOf(str(valueAt(inner))) ?? '');
    const converted = conversion === undefined ? value : conversion === 's' ? str(value) : repr(value);
    const printed = filled === '' ? str(converted) : shown(converted, filled);
    const own = markOf(converted);
    mark = joined(mark, filled === '' ? markOf(printed) : changed(own));
    const part = textOf(printed) ?? '';
    spendText(part.length);
    return part;
  });
  return withMark(text, mark);
}

/** Rounds as Python does. */
export function rounded(value: number, places: number): number {
  if (!Number.isFinite(value)) return value;
  if (places >= 0) return Math.sign(value) * Number(fixed(Math.abs(value), Math.min(places, 30)));
  const unit = 10 ** -places;
  return Math.round(value / unit) * unit;
}
