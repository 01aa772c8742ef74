// Python's `%` on text: `"%s of %05.1f" % (name, share)`.
import { spendText } from '../meter.ts';
import { RenderError } from '../render-error.ts';
import { changed, joined, markOf, withMark } from '../values/marked.ts';
import type { Mark } from '../values/mark.ts';
import { repr, str } from '../values/print.ts';
import { Dict, Tuple, isNumber, textOf, typeName } from '../values/value.ts';
import type { Value } from '../values/value.ts';
import { floatIn, grouped, padded } from './numbers.ts';
import { whole } from './whole.ts';

const pattern =
  /%(?:\((?<key>[^)]*)\))?(?<flags>[-+ #0]*)(?<width>\*|\d*)(?:\.(?<precision>\*|\d*))?[hlL]?(?<type>[^])?/g;

function number(value: Value): bigint | number {
  if (!isNumber(value)) throw new RenderError(`the format needs a number, not a ${typeName(value)}`);
  return typeof value === 'boolean' ? BigInt(value) : value;
}

interface Shape {
  flags: string;
  width: number;
  precision: number | null;
  type: string;
}

function shown(value: Value, { flags, width, precision, type }: Shape): { text: string; mark: Mark | null } {
  const cut = (text: string): string => (precision === null ? text : [...text].slice(0, precision).join(''));
  const align = flags.includes('-') ? '<' : '>';
  if (type === 's' || type === 'r' || type === 'a') {
    const printed = type === 's' ? str(value) : repr(value);
    const text = textOf(printed) ?? '';
    const isWhole = precision === null && width <= text.length;
    const mark = markOf(printed);
    return { text: padded(cut(text), width, align, ' '), mark: isWhole ? mark : changed(mark) };
  }
  if (type === 'c') {
    const character =
      typeof value === 'bigint' ? String.fromCodePoint(Number(value) % 0x110000) : (textOf(value) ?? '');
    return { text: padded(character, width, align, ' '), mark: changed(markOf(value)) };
  }
  const sign = flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '-';
  const fill = flags.includes('0') && align === '>' ? '0' : ' ';
  const digits = digitsOf(number(value), { type, precision, sign, isAlternate: flags.includes('#') });
  return { text: fill === '0' ? padded(digits, width, '=', '0') : padded(digits, width, align, ' '), mark: null };
}

function digitsOf(
  value: bigint | number,
  {
    type,
    precision,
    sign,
    isAlternate,
  }: { type: string; precision: number | null; sign: string; isAlternate: boolean },
): string {
  if ('diu'.includes(type)) return grouped(whole(value), { base: 10, sign, prefix: '', digits: precision ?? 0 });
  const base = { x: 16, X: 16, o: 8 }[type];
  if (base !== undefined) {
    const text = grouped(whole(value), { base, sign, prefix: isAlternate ? `0${type}` : '', digits: precision ?? 0 });
    return type === 'X' ? text.toUpperCase() : text;
  }
  if ('eEfFgG'.includes(type)) return floatIn(Number(value), type, precision ?? 6, sign);
  throw new RenderError('the format is not known');
}

/** Throws for values that are too many or too few. */
export function printf(format: Value, given: Value): Value {
  const template = textOf(format) ?? '';
  const values = given instanceof Tuple ? given.items : [given];
  let at = 0;
  const keys = { areUsed: false };
  let mark = markOf(format);
  const next = (): Value => {
    if (at >= values.length) throw new RenderError('not enough values for the format');
    return values[at++] ?? null;
  };
  const size = (text: string | undefined): number => Number(text === '*' ? whole(number(next())) : (text ?? 0));
  const text = template.replace(pattern, (...match) => {
    const { key, flags = '', width, precision, type } = match.at(-1) as Partial<Record<string, string>>;
    if (type === undefined) throw new RenderError('the format is not complete');
    if (type === '%') return '%';
    const shape = { flags, width: size(width), precision: precision === undefined ? null : size(precision), type };
    const value = key === undefined ? next() : given instanceof Dict ? given.get(key) : undefined;
    if (value === undefined) throw new RenderError('the format names what is not given');
    if (key !== undefined) keys.areUsed = true;
    const part = shown(value, shape);
    spendText(part.text.length);
    mark = joined(mark, part.mark);
    return part.text;
  });
  if (at < values.length && !keys.areUsed && !(given instanceof Dict))
    throw new RenderError('not all values are used by the format');
  return withMark(text, mark);
}
