// Filters that make text of text. They are given plain values; who calls them sees to marks.
import { spendText } from '../meter.ts';
import { RenderError } from '../render-error.ts';
import { strText } from '../values/print.ts';
import { Dict, isNumber, itemsOf, textOf } from '../values/value.ts';
import type { Value } from '../values/value.ts';
import { builtin, library } from './builtin.ts';
import type { Args } from './builtin.ts';
import * as on from './text.ts';

const text = (parameters: string, change: (text: string, args: Args) => Value) =>
  builtin<Value>(parameters, (value, args) => change(strText(value), args));

const html: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', "'": '&#39;', '"': '&#34;' };
const escape = text('', (value) => value.replace(/[&<>'"]/g, (sign) => html[sign] ?? sign));

function indent(value: string, args: Args): string {
  const given = args.given(0);
  const space = (given === undefined ? null : textOf(given)) ?? ' '.repeat(Math.max(0, args.int(0, 4)));
  const lines = on.lines(`${value}\n`, false);
  spendText(lines.length * space.length + value.length);
  const [first = '', ...rest] = lines;
  const more = rest.map((line) => `\n${line !== '' || args.flag(2) ? space : ''}${line}`).join('');
  return `${args.flag(1) ? space : ''}${first}${more}`;
}

function truncate(value: string, args: Args): string {
  const characters = [...value];
  const length = args.int(0, 255);
  const end = args.text(2, '...');
  const room = length - [...end].length;
  if (room < 0) throw new RenderError('truncate: the length is shorter than the end');
  if (characters.length <= length + ((args.given(3) ?? null) === null ? 5 : args.int(3))) return value;
  const kept = characters.slice(0, room).join('');
  const blank = kept.lastIndexOf(' ');
  return (args.flag(1) || blank < 0 ? kept : kept.slice(0, blank)) + end;
}

/** A paragraph cut into lines of at most so many characters, at blanks. */
function wrapped(line: string, width: number, breakLong: boolean): string[] {
  const lines: string[] = [];
  let present = '';
  for (const part of line.split(/( +)/)) {
    let rest = part;
    if (present !== '' && [...present].length + [...rest].length > width) {
      lines.push(present.trimEnd());
      present = '';
      if (rest.trim() === '') continue;
    }
    while (breakLong && [...rest].length > width) {
      lines.push([...rest].slice(0, width).join(''));
      rest = [...rest].slice(width).join('');
    }
    present += rest;
  }
  return present.trim() === '' ? lines : [...lines, present.trimEnd()];
}

function wordwrap(value: string, args: Args): string {
  const width = args.int(0, 79);
  if (width < 1) throw new RenderError('wordwrap: the width is less than 1');
  spendText(value.length * 8);
  const isLongBroken = args.given(1) === undefined || args.flag(1);
  const end = args.given(2) === undefined || args.given(2) === null ? '\n' : args.text(2);
  return on
    .lines(value, false)
    .map((line) => wrapped(line, width, isLongBroken).join(end))
    .join(end);
}

const asQuery = (value: string): string => percent(value, '').replaceAll('%20', '+');
const percent = (value: string, safe: string): string =>
  [...Buffer.from(value)]
    .map((octet) => {
      const sign = String.fromCharCode(octet);
      return /[A-Za-z0-9_.~-]/.test(sign) || safe.includes(sign)
        ? sign
        : `%${octet.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');

function urlencode(value: Value): string {
  const pairs = value instanceof Dict ? value.pairs() : itemsOf(value)?.map((pair) => itemsOf(pair) ?? []);
  if (!pairs) return percent(strText(value), '/');
  return pairs.map(([key = null, one = null]) => `${asQuery(strText(key))}=${asQuery(strText(one))}`).join('&');
}

function filesize(value: Value, args: Args): string {
  const isBinary = args.flag(0);
  const base = isBinary ? 1024 : 1000;
  const size = isNumber(value) ? Number(value) : Number(strText(value));
  if (size === 1) return '1 Byte';
  if (!(size >= base)) return `${Math.trunc(size)} Bytes`;
  const units = ['k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];
  const power = Math.min(units.length, Math.floor(Math.log(size) / Math.log(base)));
  const unit = units[power - 1] ?? 'k';
  return `${(size / base ** power).toFixed(1)} ${isBinary ? `${unit.toUpperCase()}iB` : `${unit}B`}`;
}

export const textFilters = library<Value>({
  capitalize: text('', on.capitalize),
  center: text('width', (value, args) => {
    const missing = Math.max(0, args.int(0, 80) - [...value].length);
    spendText(missing + value.length);
    const left = Math.floor(missing / 2) + (missing % 2 === 1 && args.int(0, 80) % 2 === 1 ? 1 : 0);
    return ' '.repeat(left) + value + ' '.repeat(missing - left);
  }),
  e: escape,
  escape,
  filesizeformat: builtin('binary', filesize),
  indent: text('width first blank', indent),
  lower: text('', (value) => value.toLowerCase()),
  pprint: builtin('', (value) => strText([value]).slice(1, -1)),
  replace: text('old new count', (value, args) => {
    const most = (args.given(2) ?? null) === null ? -1 : args.int(2);
    return on.replace(value, strText(args.value(0)), strText(args.value(1)), most);
  }),
  title: text('', on.titledWords),
  trim: text('chars', (value, args) => on.strip(value, (args.given(0) ?? null) === null ? null : args.text(0), 'both')),
  truncate: text('length killwords end leeway', truncate),
  upper: text('', (value) => value.toUpperCase()),
  urlencode: builtin('', urlencode),
  wordcount: text('', (value) => BigInt(value.match(/[\p{L}\p{N}_]+/gu)?.length ?? 0)),
  wordwrap: text('width break_long_words wrapstring', wordwrap),
});
