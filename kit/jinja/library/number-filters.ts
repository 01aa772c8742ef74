// Filters that give numbers and truths, and those that give a value as it is.
import { RenderError } from '../render-error.ts';
import { isTrue } from '../values/compare.ts';
import { bounded } from '../values/operators.ts';
import { str } from '../values/print.ts';
import { Dict, isNumber, itemsOf, textOf, typeName } from '../values/value.ts';
import type { Value } from '../values/value.ts';
import { builtin, library } from './builtin.ts';
import type { Args } from './builtin.ts';
import { rounded } from './format.ts';
import { strip } from './text.ts';
import { whole } from './whole.ts';

const decimal = /^[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$|^[-+]?(?:inf|infinity|nan)$/i;
const digitsOf: Record<number, RegExp> = { 2: /^[01]+$/, 8: /^[0-7]+$/, 10: /^\d+$/, 16: /^[\da-f]+$/i };
const prefixes: Record<number, string> = { 2: '0b', 8: '0o', 10: '', 16: '0x' };

function integerIn(text: string, base: number): bigint | null {
  const [, sign = '', rest = ''] = /^([-+]?)([^]*)$/.exec(strip(text, null, 'both')) ?? [];
  const prefix = prefixes[base];
  if (prefix === undefined) throw new RenderError('int: the base is 2, 8, 10 or 16');
  const digits = (prefix !== '' && rest.toLowerCase().startsWith(prefix) ? rest.slice(2) : rest).replaceAll(
    /(?<=\w)_(?=\w)/g,
    '',
  );
  if (!digitsOf[base]?.test(digits) || digits.length > 1000) return null;
  const size = BigInt(prefix + digits);
  return sign === '-' ? -size : size;
}

function floatIn(value: Value): number | null {
  if (isNumber(value)) return Number(value);
  const text = strip(textOf(value) ?? '', null, 'both').replaceAll('_', '');
  if (!decimal.test(text)) return null;
  const special = { inf: Infinity, infinity: Infinity, nan: NaN }[text.replace(/^[-+]/, '').toLowerCase()];
  if (special === undefined) return Number(text);
  return text.startsWith('-') ? -special : special;
}

function int(value: Value, args: Args): Value {
  const otherwise = args.given(0) ?? 0n;
  if (isNumber(value)) return Number.isFinite(Number(value)) ? bounded(whole(value)) : otherwise;
  const text = textOf(value);
  const found = text === null ? null : integerIn(text, args.int(1, 10));
  if (found !== null) return found;
  const float = text === null ? null : floatIn(value);
  return float !== null && Number.isFinite(float) ? bounded(whole(float)) : otherwise;
}

function round(value: Value, args: Args): Value {
  if (!isNumber(value)) throw new RenderError(`round needs a number, not a ${typeName(value)}`);
  const [places, method] = [args.int(0, 0), args.text(1, 'common')];
  if (method === 'common')
    return typeof value === 'number' ? rounded(value, places) : BigInt(rounded(Number(value), places));
  const unit = 10 ** places;
  if (method === 'ceil') return Math.ceil(Number(value) * unit) / unit;
  if (method === 'floor') return Math.floor(Number(value) * unit) / unit;
  throw new RenderError('round: the method is common, ceil or floor');
}

function length(value: Value): Value {
  const text = textOf(value);
  const count = text === null ? (value instanceof Dict ? value.size : itemsOf(value)?.length) : [...text].length;
  if (count === undefined) throw new RenderError(`a ${typeName(value)} has no length`);
  return BigInt(count);
}

const lengthOf = builtin<Value>('', length);

export const numberFilters = library<Value>({
  abs: builtin('', (value) => {
    if (typeof value === 'number') return Math.abs(value);
    if (!isNumber(value)) throw new RenderError(`abs needs a number, not a ${typeName(value)}`);
    const size = whole(value);
    return size < 0n ? -size : size;
  }),
  bool: builtin('', isTrue),
  count: lengthOf,
  float: builtin('default', (value, args) => floatIn(value) ?? args.given(0) ?? 0),
  int: builtin('default base', int),
  length: lengthOf,
  round: builtin('precision method', round),
  safe: builtin('', (value) => value),
  string: builtin('', str),
});
