// The methods of Python's `str`. They are given plain text; who calls them sees to marks.
import { spend } from '../meter.ts';
import { RenderError } from '../render-error.ts';
import { Tuple, textOf } from '../values/value.ts';
import type { Value } from '../values/value.ts';
import { builtin, library } from './builtin.ts';
import type { Args } from './builtin.ts';
import { padded } from './numbers.ts';
import * as on from './text.ts';

const plain = (change: (text: string) => Value) => builtin<string>('', (text) => change(text));
/** Whether every character is so, and there is one. */
const all = (pattern: RegExp) => plain((text) => pattern.test(text));

const parts = (texts: string[]): Value => {
  spend(texts.length);
  return texts;
};

const separatorOf = (args: Args): string | null => {
  const given = args.given(0);
  if (given === undefined || given === null) return null;
  if (args.text(0) === '') throw new RenderError('the separator is empty');
  return args.text(0);
};

const stripping = (ends: 'both' | 'left' | 'right') =>
  builtin<string>('chars', (text, args) =>
    on.strip(text, (args.given(0) ?? null) === null ? null : args.text(0), ends),
  );

const justifying = (align: string) =>
  builtin<string>('width fillchar', (text, args) => padded(text, args.int(0), align, args.text(1, ' ')));

/** The part of a text that `start` and `end` leave. */
function within(text: string, args: Args): string {
  if (args.given(1) === undefined && args.given(2) === undefined) return text;
  const characters = [...text];
  const end = (args.given(2) ?? null) === null ? null : args.int(2);
  return on
    .sliced(characters.length, args.int(1, 0), end, 1)
    .map((at) => characters[at])
    .join('');
}

const ending = (hasIt: (text: string, part: string) => boolean) =>
  builtin<string>('part start end', (text, args) => {
    const given = args.value(0);
    const options = given instanceof Tuple ? given.items.map((one) => textOf(one) ?? '') : [args.text(0)];
    return options.some((part) => hasIt(within(text, args), part));
  });

const finding = (fromRight: boolean, mustBe: boolean) =>
  builtin<string>('sub start end', (text, args) => {
    const at = on.find(within(text, args), args.text(0), fromRight);
    if (at < 0 && mustBe) throw new RenderError('the part is not in the text');
    return BigInt(at < 0 ? at : at + Math.max(0, args.int(1, 0)));
  });

const partition = (fromRight: boolean) =>
  builtin<string>('sep', (text, args) => {
    const sign = args.text(0);
    const at = fromRight ? text.lastIndexOf(sign) : text.indexOf(sign);
    if (at < 0) return new Tuple(fromRight ? ['', '', text] : [text, '', '']);
    return new Tuple([text.slice(0, at), sign, text.slice(at + sign.length)]);
  });

const zeroFilled = (text: string, width: number): string => padded(text, width, '=', '0');

export const textMethods = library<string>({
  capitalize: plain(on.capitalize),
  casefold: plain((text) => text.toLowerCase().replaceAll('ß', 'ss')),
  center: justifying('^'),
  count: builtin('sub start end', (text, args) => {
    const part = args.text(0);
    const range = within(text, args);
    return BigInt(part === '' ? [...range].length + 1 : range.split(part).length - 1);
  }),
  endswith: ending((text, part) => text.endsWith(part)),
  expandtabs: builtin('tabsize', (text, args) => on.expandTabs(text, args.int(0, 8))),
  find: finding(false, false),
  index: finding(false, true),
  isalnum: all(/^[\p{L}\p{N}]+$/u),
  isalpha: all(/^\p{L}+$/u),
  isascii: all(/^[\0-\x7f]*$/),
  isdecimal: all(/^\p{Nd}+$/u),
  isdigit: all(/^[\p{Nd}²³¹⁰-⁹]+$/u),
  isidentifier: all(/^[\p{L}_][\p{L}\p{N}_]*$/u),
  islower: plain((text) => text !== text.toUpperCase() && text === text.toLowerCase()),
  isnumeric: all(/^\p{N}+$/u),
  isspace: plain((text) => text !== '' && [...text].every(on.isBlank)),
  istitle: plain((text) => text !== text.toUpperCase().toLowerCase() && text === on.titled(text)),
  isupper: plain((text) => text !== text.toLowerCase() && text === text.toUpperCase()),
  ljust: justifying('<'),
  lower: plain((text) => text.toLowerCase()),
  lstrip: stripping('left'),
  partition: partition(false),
  removeprefix: builtin('prefix', (text, args) =>
    text.startsWith(args.text(0)) ? text.slice(args.text(0).length) : text,
  ),
  removesuffix: builtin('suffix', (text, args) =>
    args.text(0) !== '' && text.endsWith(args.text(0)) ? text.slice(0, -args.text(0).length) : text,
  ),
  replace: builtin('old new count', (text, args) => on.replace(text, args.text(0), args.text(1), args.int(2, -1))),
  rfind: finding(true, false),
  rindex: finding(true, true),
  rjust: justifying('>'),
  rpartition: partition(true),
  rsplit: builtin('sep maxsplit', (text, args) => parts(on.splitFromRight(text, separatorOf(args), args.int(1, -1)))),
  rstrip: stripping('right'),
  split: builtin('sep maxsplit', (text, args) => parts(on.split(text, separatorOf(args), args.int(1, -1)))),
  splitlines: builtin('keepends', (text, args) => parts(on.lines(text, args.flag(0)))),
  startswith: ending((text, part) => text.startsWith(part)),
  strip: stripping('both'),
  swapcase: plain(on.swapCase),
  title: plain(on.titled),
  upper: plain((text) => text.toUpperCase()),
  zfill: builtin('width', (text, args) => zeroFilled(text, args.int(0))),
});
