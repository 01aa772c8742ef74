// Record data in its three forms: the canonical value (what rows hold and the API shows), presentation form (PowerDNS's
// `content`, zone files) and the wire. A type is the list of its fields; one without a list is octets in the form of RFC 3597.
import { fields, RdataReader, type Field } from './fields.ts';
import { WireFormatError } from './labels.ts';
import { concatenated, fromHex, hexOf } from './octets.ts';
import { refuse, RefusalError } from './refusals.ts';
import { wordsOf, Words } from './tokens.ts';
import { recordTypeNumbers, type AnyRecordType, type Soa } from './types.ts';

type FieldName = keyof typeof fields;

const formats: Readonly<Record<string, readonly FieldName[]>> = {
  A: ['ipv4'],
  NS: ['name'],
  CNAME: ['name'],
  PTR: ['name'],
  MX: ['u16', 'name'],
  TXT: ['txt'],
  AAAA: ['ipv6'],
  SRV: ['u16', 'u16', 'u16', 'name'],
  NAPTR: ['u16', 'u16', 'string', 'string', 'string', 'name'],
  DS: ['u16', 'u8', 'u8', 'hex'],
  SSHFP: ['u8', 'u8', 'hex'],
  TLSA: ['u8', 'u8', 'u8', 'hex'],
  SVCB: ['u16', 'name', 'params'],
  HTTPS: ['u16', 'name', 'params'],
  CAA: ['u8', 'tag', 'text'],
  ALIAS: ['name'],
  SOA: ['name', 'name', 'u32', 'u32', 'u32', 'u32', 'u32'],
  // Shown only; read so that both servers show the same.
  HINFO: ['string', 'string'],
  RP: ['name', 'name'],
  AFSDB: ['u16', 'name'],
  KX: ['u16', 'name'],
  DNAME: ['name'],
  CERT: ['u16', 'u16', 'u8', 'base64'],
  SMIMEA: ['u8', 'u8', 'u8', 'hex'],
  OPENPGPKEY: ['base64'],
  SPF: ['txt'],
  URI: ['u16', 'u16', 'text'],
};

const typeNumbers: Readonly<Record<string, number>> = {
  ...recordTypeNumbers,
  SOA: 6,
  HINFO: 13,
  RP: 17,
  AFSDB: 18,
  SIG: 24,
  KEY: 25,
  LOC: 29,
  KX: 36,
  CERT: 37,
  DNAME: 39,
  OPT: 41,
  APL: 42,
  IPSECKEY: 45,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  DHCID: 49,
  NSEC3: 50,
  NSEC3PARAM: 51,
  SMIMEA: 53,
  HIP: 55,
  CDS: 59,
  CDNSKEY: 60,
  OPENPGPKEY: 61,
  CSYNC: 62,
  ZONEMD: 63,
  SPF: 99,
  EUI48: 108,
  EUI64: 109,
  TSIG: 250,
  URI: 256,
};

const typeNames = new Map(Object.entries(typeNumbers).map(([type, number]) => [number, type]));

/** The mnemonic of a number, or `TYPE<n>`. */
export const typeName = (number: number): AnyRecordType => typeNames.get(number) ?? `TYPE${number}`;

/** The number of a mnemonic or `TYPE<n>`; undefined for an unknown one. */
export function typeNumber(type: AnyRecordType): number | undefined {
  if (Object.hasOwn(typeNumbers, type)) return typeNumbers[type];
  const number = /^TYPE(0|[1-9][0-9]{0,4})$/.exec(type)?.[1];
  return number === undefined || Number(number) > 65535 ? undefined : Number(number);
}

const formatOf = (type: AnyRecordType): readonly FieldName[] | undefined =>
  Object.hasOwn(formats, type) ? formats[type] : undefined;

/** The canonical value of record data inside a message, whose names may be compressed. */
export function rdataToValue(type: AnyRecordType, message: Uint8Array, start: number, length: number): string {
  const from = new RdataReader(message, start, length);
  const format = formatOf(type);
  if (!format) return genericValue(from.rest());
  try {
    const words = format.map((field) => fields[field].read(from));
    if (!from.isAtEnd) throw new WireFormatError('record data is too long');
    return joined(words);
  } catch (error) {
    if (error instanceof RefusalError) throw new WireFormatError(`a ${type} record: ${error.message}`);
    throw error;
  }
}

/** Record data of a canonical value, without compression. Refuses other types whose value is not in the form of RFC 3597. */
export function valueToRdata(type: AnyRecordType, value: string): Uint8Array {
  const format = formatOf(type);
  if (!format) return genericOctets(wordsOf(value)) ?? refuse('type_unwritable', { type });
  return concatenated(zipped(format, value).map(([field, word]) => field.write(word)));
}

/** The canonical value of presentation form, such as PowerDNS's `content`; relative names are below `origin`. */
export function fromPresentation(type: AnyRecordType, content: string, origin = '.'): string {
  return fromWords(type, wordsOf(content), origin);
}

/** The canonical value of the words of a record in a zone file. */
export function fromWords(type: AnyRecordType, words: readonly string[], origin: string): string {
  const format = formatOf(type);
  const octets = genericOctets(words);
  if (octets) return format ? rdataToValue(type, octets, 0, octets.length) : genericValue(octets);
  if (!format) return words.join(' ');
  const rest = new Words(words);
  const parsed = format.map((field) => fields[field].parse(rest, origin));
  rest.end();
  return joined(parsed);
}

/** Presentation form of a canonical value: absolute names, TXT in quoted strings, ASCII alone. */
export function toPresentation(type: AnyRecordType, value: string): string {
  const format = formatOf(type);
  return format ? joined(zipped(format, value).map(([field, word]) => field.print(word))) : value;
}

export function rdataToSoa(message: Uint8Array, start: number, length: number): Soa {
  return soaOf(rdataToValue('SOA', message, start, length));
}

export const soaToRdata = (soa: Soa): Uint8Array => valueToRdata('SOA', soaValue(soa));

/** The SOA of its canonical value. */
export function soaOf(value: string): Soa {
  const [mname = '.', rname = '.', ...numbers] = wordsOf(value);
  const [serial = 0, refresh = 0, retry = 0, expire = 0, minimum = 0] = numbers.map(Number);
  return { mname, rname, serial, refresh, retry, expire, minimum };
}

export const soaValue = ({ mname, rname, serial, refresh, retry, expire, minimum }: Soa): string =>
  [mname, rname, serial, refresh, retry, expire, minimum].join(' ');

const joined = (words: readonly string[]): string => words.filter((word) => word !== '').join(' ');

/** The fields of a canonical value with their words. */
function zipped(format: readonly FieldName[], value: string): [Field, string][] {
  if (format[0] === 'txt') return [[fields.txt, value]];
  const words = wordsOf(value);
  return format.map((name, at) => {
    const isRest = at === format.length - 1;
    return [fields[name], isRest ? words.slice(at).join(' ') : (words[at] ?? refuse('value_short'))];
  });
}

/** `\# <length> <hex>` of RFC 3597; undefined for anything else. */
function genericOctets([mark, length, ...hex]: readonly string[]): Uint8Array | undefined {
  if (mark !== '\\#') return undefined;
  const octets = fromHex(hex.join(''));
  if (String(octets.length) !== length || octets.length > 65535) refuse('generic_length');
  return octets;
}

const genericValue = (octets: Uint8Array): string => joined(['\\#', String(octets.length), hexOf(octets)]);
