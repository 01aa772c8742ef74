// Numbers and texts in the widths and shapes that Python's two formatting languages ask for.
import { spendText } from '../meter.ts';
import { RenderError } from '../render-error.ts';

/** `align` as in format specifications; `=` pads after the sign. */
export function padded(text: string, width: number, align: string, fill: string): string {
  const missing = width - [...text].length;
  if (!(missing > 0)) return text;
  spendText(missing);
  if (align === '<') return text + fill.repeat(missing);
  if (align === '^') return fill.repeat(Math.floor(missing / 2)) + text + fill.repeat(Math.ceil(missing / 2));
  const sign = align === '=' ? (/^[-+ ]?(?:0[xXob])?/.exec(text)?.[0] ?? '') : '';
  return sign + fill.repeat(missing) + text.slice(sign.length);
}

const signed = (isNegative: boolean, sign: string, digits: string): string =>
  (isNegative ? '-' : sign === '-' ? '' : sign) + digits;

export function grouped(
  value: bigint,
  { base, sign, prefix, digits }: { base: number; sign: string; prefix: string; digits: number },
): string {
  const size = value < 0n ? -value : value;
  return signed(value < 0n, sign, prefix + padded(size.toString(base), digits, '>', '0'));
}

const exponent = (text: string): string =>
  text.replace(/e([-+])(\d)$/, (_, sign: string, digit: string) => `e${sign}0${digit}`);

function general(size: number, precision: number): string {
  const places = precision === 0 ? 1 : precision;
  const power = size === 0 ? 0 : Number(size.toExponential(places - 1).split('e')[1]);
  const isLarge = power < -4 || power >= places;
  const text = isLarge ? size.toExponential(places - 1) : size.toFixed(Math.max(0, places - 1 - power));
  const [digits = '', tail] = text.split('e');
  const short = digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits;
  return exponent(tail === undefined ? short : `${short}e${tail}`);
}

/** A number as `e`, `f` or `g`. */
export function floatIn(value: number, type: string, precision: number, sign: string): string {
  if (precision > 100) throw new RenderError('a number has too many places');
  const size = Math.abs(value);
  const kind = type.toLowerCase();
  const digits = !Number.isFinite(value)
    ? Number.isNaN(value)
      ? 'nan'
      : 'inf'
    : kind === 'f'
      ? fixed(size, precision)
      : kind === 'e'
        ? exponent(size.toExponential(precision))
        : general(size, precision);
  const text = signed(value < 0 || Object.is(value, -0), sign, digits);
  return type === kind ? text : text.toUpperCase();
}

/** A size with so many places; what lies right between two goes to the even one, as in Python. */
export function fixed(size: number, places: number): string {
  if (size >= 1e21) return `${BigInt(size)}${places > 0 ? `.${'0'.repeat(places)}` : ''}`;
  const up = size.toFixed(places);
  const rest =
    size
      .toFixed(Math.min(100, places + 60))
      .split('.')[1]
      ?.slice(places) ?? '';
  if (!/^50*$/.test(rest) || Number(up.at(-1)) % 2 === 0) return up;
  const digits = (BigInt(up.replace('.', '')) - 1n).toString().padStart(places + 1, '0');
  return places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** `1234567` as `1,234,567`. */
export const thousands = (text: string, sign: string): string => {
  const [, before = '', digits = '', after = ''] = /^([-+ ]?)(\d*)([^]*)$/.exec(text) ?? [];
  return before + digits.replace(/\B(?=(?:\d{3})+$)/g, sign) + after;
};
