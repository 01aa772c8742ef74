// `tojson` as jinja2 has it: the keys in order, no sign in it that HTML knows.
import { deeper, spend, spendText } from '../meter.ts';
import { RenderError } from '../render-error.ts';
import { floatText, strText } from '../values/print.ts';
import { Dict, isMarked, itemsOf, textOf, typeName } from '../values/value.ts';
import type { Value } from '../values/value.ts';
import { sorted } from './sorting.ts';
import { jsonText } from './quote.ts';

const signs: Record<string, string> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026', "'": '\\u0027' };

const ascii = (text: string): string =>
  JSON.stringify(text)
    .replace(/[<>&']/g, (sign) => signs[sign] ?? sign)
    .replace(/[\x7f-\uffff]/g, (unit) =>
      unit === '\x7f' ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );

function keyText(key: Value): string {
  if (textOf(key) !== null) return textOf(key) ?? '';
  if (key === null) return 'null';
  if (typeof key === 'boolean') return String(key);
  if (typeof key === 'bigint' || typeof key === 'number') return strText(key);
  throw new RenderError(`a ${typeName(key)} cannot be a key in JSON`);
}

const textJson = (value: Value): string => {
  const text = textOf(value) ?? '';
  return isMarked(value) ? jsonText(text) : ascii(text);
};

function scalar(value: Value): string | null {
  if (textOf(value) !== null) return textJson(value);
  if (value === null) return 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'bigint') return value.toString();
  return typeof value === 'number' ? floatText(value).replace('inf', 'Infinity').replace('nan', 'NaN') : null;
}

/** Text that is marked is written so that it may stand in a script of Python. */
export function json(value: Value, indent: number | null, level = 1): string {
  spend(1);
  const plain = scalar(value);
  if (plain !== null) return plain;
  const put = (open: string, parts: string[], close: string): string => {
    if (parts.length === 0) return open + close;
    const space = indent === null ? '' : `\n${' '.repeat(Math.max(0, indent) * level)}`;
    const end = indent === null ? '' : `\n${' '.repeat(Math.max(0, indent) * (level - 1))}`;
    spendText(parts.reduce((sum, part) => sum + part.length + space.length, 0));
    return open + space + parts.join(indent === null ? ', ' : `,${space}`) + end + close;
  };
  const inside = (one: Value): string => deeper(() => json(one, indent, level + 1));
  if (value instanceof Dict) {
    const pairs = sorted(value.pairs(), ([key]) => key, false);
    const key = (one: Value): string => textJson(isMarked(one) ? one : keyText(one));
    return put(
      '{',
      pairs.map(([name, one]) => `${key(name)}: ${inside(one)}`),
      '}',
    );
  }
  const items = Array.isArray(value) || typeName(value) === 'tuple' ? itemsOf(value) : null;
  if (!items) throw new RenderError(`a ${typeName(value)} cannot be written as JSON`);
  return put('[', items.map(inside), ']');
}
