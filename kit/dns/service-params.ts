// The parameters of HTTPS and SVCB records (RFC 9460): text, wire and the order of keys. Unknown keys are octets.
import { ipv4Octets, ipv4Text, ipv6Octets, ipv6Text } from './addresses.ts';
import { WireFormatError } from './labels.ts';
import { bareOrQuoted, base64Of, concatenated, fromBase64, octetsOf, unescaped, withoutQuotes } from './octets.ts';
import { refuse } from './refusals.ts';

/** Octets of the values by key, in the order of keys. */
type ServiceParams = ReadonlyMap<number, Uint8Array>;

export const serviceKeys = ['mandatory', 'alpn', 'no-default-alpn', 'port', 'ipv4hint', 'ech', 'ipv6hint'] as const;
const laterKeys = ['dohpath', 'ohttp'] as const;
const names: readonly string[] = [...serviceKeys, ...laterKeys];

const nameOf = (key: number): string => names[key] ?? `key${key}`;

function keyOf(name: string): number {
  const known = names.indexOf(name);
  if (known >= 0) return known;
  const number = /^key(0|[1-9][0-9]{0,4})$/.exec(name)?.[1];
  // 65535 is reserved as the invalid key.
  if (number === undefined || Number(number) > 65534) return refuse('svcb_key', { key: name });
  return Number(number);
}

const u16 = (value: number): number[] => [value >> 8, value & 0xff];

/** Splits at commas that no backslash escapes, and undoes these escapes (RFC 9460, A.1). */
function listItems(octets: Uint8Array): Uint8Array[] {
  const items: number[][] = [[]];
  for (let at = 0; at < octets.length; at += 1) {
    const octet = octets[at] ?? 0;
    if (octet === 0x2c) items.push([]);
    else if (octet === 0x5c) {
      at += 1;
      items.at(-1)?.push(octets[at] ?? refuse('escape_unfinished'));
    } else items.at(-1)?.push(octet);
  }
  return items.map((item) => Uint8Array.from(item));
}

function chunks(octets: Uint8Array, size: number): Uint8Array[] {
  if (octets.length === 0 || octets.length % size !== 0) return refuse('svcb_value_length');
  return Array.from({ length: octets.length / size }, (_, at) => octets.subarray(at * size, (at + 1) * size));
}

interface ParamCodec {
  /** From the text after `=` without quotes, escapes undone. */
  parse(octets: Uint8Array): Uint8Array;
  /** The text after `=`, as octets before escaping. */
  print(octets: Uint8Array): Uint8Array;
}

const ascii = (octets: Uint8Array): string => Buffer.from(octets).toString('latin1');

/** Values that are a list of fixed-size items. */
const listOf = (
  size: number,
  parse: (text: string) => Uint8Array,
  print: (item: Uint8Array) => string,
): ParamCodec => ({
  parse: (octets) => concatenated(ascii(octets).split(',').map(parse)),
  print: (octets) => octetsOf(chunks(octets, size).map(print).join(',')),
});

const empty: ParamCodec = {
  parse: (octets) => (octets.length === 0 ? octets : refuse('svcb_no_value')),
  print: (octets) => (octets.length === 0 ? octets : refuse('svcb_value_length')),
};

const opaque: ParamCodec = { parse: (octets) => octets, print: (octets) => octets };

const mandatory: ParamCodec = {
  parse(octets) {
    const keys = ascii(octets).split(',').map(keyOf);
    const sorted = [...new Set(keys)].sort((a, b) => a - b);
    if (sorted.length < keys.length || keys.includes(0)) refuse('svcb_mandatory');
    return Uint8Array.from(sorted.flatMap(u16));
  },
  print: (octets) =>
    octetsOf(
      chunks(octets, 2)
        .map((key) => nameOf(numberIn(key)))
        .join(','),
    ),
};

const numberIn = (octets: Uint8Array): number => ((octets[0] ?? 0) << 8) | (octets[1] ?? 0);

const alpn: ParamCodec = {
  parse: (octets) =>
    concatenated(
      listItems(octets).map((item) =>
        item.length > 0 && item.length <= 255 ? concatenated([Uint8Array.of(item.length), item]) : refuse('svcb_alpn'),
      ),
    ),
  print(octets) {
    const items: Uint8Array[] = [];
    for (let at = 0; at < octets.length;) {
      const length = octets[at] ?? 0;
      if (length === 0 || at + length >= octets.length) return refuse('svcb_alpn');
      items.push(Uint8Array.from([...octets.subarray(at + 1, at + 1 + length)].flatMap(escapedInList)));
      at += length + 1;
    }
    if (items.length === 0) return refuse('svcb_alpn');
    return concatenated(items.flatMap((item, at) => (at === 0 ? [item] : [Uint8Array.of(0x2c), item])));
  },
};

const escapedInList = (octet: number): number[] => (octet === 0x2c || octet === 0x5c ? [0x5c, octet] : [octet]);

const port: ParamCodec = {
  parse(octets) {
    const text = ascii(octets);
    if (!/^(?:0|[1-9][0-9]{0,4})$/.test(text) || Number(text) > 65535) refuse('svcb_port');
    return Uint8Array.from(u16(Number(text)));
  },
  print: (octets) => (octets.length === 2 ? octetsOf(String(numberIn(octets))) : refuse('svcb_value_length')),
};

const ech: ParamCodec = {
  parse: (octets) => (octets.length > 0 ? fromBase64(ascii(octets)) : refuse('base64_invalid')),
  print: (octets) => octetsOf(base64Of(octets)),
};

const codecs: readonly ParamCodec[] = [
  mandatory,
  alpn,
  empty,
  port,
  listOf(4, ipv4Octets, ipv4Text),
  ech,
  listOf(16, ipv6Octets, ipv6Text),
  opaque,
  empty,
];

/** Parses `key=value` words. `keyN` takes octets, of known keys too. */
export function parseParams(words: readonly string[]): ServiceParams {
  const params = new Map<number, Uint8Array>();
  for (const word of words) {
    const equals = word.indexOf('=');
    const name = (equals < 0 ? word : word.slice(0, equals)).toLowerCase();
    const key = keyOf(name);
    if (params.has(key)) refuse('svcb_key_twice', { key: nameOf(key) });
    const octets = unescaped(equals < 0 ? '' : withoutQuotes(word.slice(equals + 1)));
    const codec = name.startsWith('key') ? opaque : (codecs[key] ?? opaque);
    params.set(key, codec.parse(octets));
  }
  return new Map([...params].sort(([a], [b]) => a - b));
}

/** `generic`: keys after the first seven as `keyN`, which servers of every age understand. */
export function printParams(params: ServiceParams, style: 'named' | 'generic'): string {
  return [...params]
    .map(([key, octets]) => {
      const isNamed = key < (style === 'named' ? names.length : serviceKeys.length);
      const value = (isNamed ? (codecs[key] ?? opaque) : opaque).print(octets);
      const name = isNamed ? nameOf(key) : `key${key}`;
      return value.length === 0 ? name : `${name}=${bareOrQuoted(value)}`;
    })
    .join(' ');
}

/** Reads parameters from rdata; keys ascend strictly. */
export function readParams(octets: Uint8Array): ServiceParams {
  const params = new Map<number, Uint8Array>();
  let last = -1;
  for (let at = 0; at < octets.length;) {
    const key = numberIn(octets.subarray(at));
    const length = numberIn(octets.subarray(at + 2));
    if (key <= last || at + 4 + length > octets.length) throw new WireFormatError('SvcParams are out of order or cut');
    params.set(key, octets.subarray(at + 4, at + 4 + length));
    last = key;
    at += 4 + length;
  }
  return params;
}

export const writeParams = (params: ServiceParams): Uint8Array =>
  concatenated([...params].flatMap(([key, value]) => [Uint8Array.from([...u16(key), ...u16(value.length)]), value]));
