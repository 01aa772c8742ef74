// Values as Python prints them: `str` for what is put out, `repr` inside lists and maps.
import { deeper, spend, spendText } from '../meter.ts';
import { changed, markOf, withMark } from './marked.ts';
import type { Marked } from './mark.ts';
import { Bag, Callable, Dict, Tuple, View, isMarked, textOf, typeName } from './value.ts';
import type { Value } from './value.ts';

export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  if (Object.is(value, -0)) return '-0.0';
  const [digits = '0', power = '0'] = value.toExponential().split('e');
  const exponent = Number(power);
  if (value !== 0 && (exponent < -4 || exponent >= 16)) {
    const sign = exponent < 0 ? '-' : '+';
    return `${digits}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const plain = exponent >= 0 ? BigInt(Math.trunc(value)).toString() : '';
  const text =
    exponent >= 0 && Number.isInteger(value)
      ? plain
      : value.toFixed(Math.max(0, digits.replace(/^-?\d\.?/, '').length - exponent));
  return text.includes('.') ? text : `${text}.0`;
}

const escapes: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };
const notPrintable = /[\\\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

function escaped(character: string): string {
  const known = escapes[character];
  if (known !== undefined) return known;
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

function textRepr(text: string): string {
  const sign = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inside = text.replace(notPrintable, escaped);
  return sign + (sign === "'" ? inside.replaceAll("'", "\\'") : inside) + sign;
}

function plainText(value: Value): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return floatText(value);
  const list = (items: Value[]): string => deeper(() => items.map(reprText).join(', '));
  if (Array.isArray(value)) return `[${list(value)}]`;
  if (value instanceof Tuple) return value.items.length === 1 ? `(${list(value.items)},)` : `(${list(value.items)})`;
  if (value instanceof View) return `${value.name}([${list(value.items)}])`;
  if (value instanceof Dict) {
    const pairs = value.pairs();
    return `{${deeper(() => pairs.map(([key, one]) => `${reprText(key)}: ${reprText(one)}`).join(', '))}}`;
  }
  if (value instanceof Callable) return `<${value.name}>`;
  return value instanceof Bag ? `<${value.name}>` : typeName(value);
}

function reprText(value: Value): string {
  spend(1);
  const text = textOf(value);
  const printed = text === null ? plainText(value) : textRepr(text);
  spendText(printed.length);
  return printed;
}

/** `str(value)` without regard to marks. */
export const strText = (value: Value): string => textOf(value) ?? plainText(value);

/** `str(value)`: a text stays what it is. */
export function str(value: Value): string | Marked {
  if (typeof value === 'string' || isMarked(value)) return value;
  return withMark(plainText(value), changed(markOf(value)));
}

export const repr = (value: Value): string | Marked => withMark(reprText(value), changed(markOf(value)));
