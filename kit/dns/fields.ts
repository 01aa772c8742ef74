// The fields that record data is made of. A field is kept as the word that the canonical value has of it; each kind reads it
// from the wire and from presentation form, and writes both.
import { ipv4Octets, ipv4Text, ipv6Octets, ipv6Text } from './addresses.ts';
import { absolute, canonicalName, readName, WireFormatError, writeName } from './labels.ts';
import { base64Of, concatenated, fromBase64, fromHex, hexOf, octetsOf, utf8Of } from './octets.ts';
import { quoted, quotedAscii, unescaped, withoutQuotes } from './octets.ts';
import { refuse } from './refusals.ts';
import { parseParams, printParams, readParams, writeParams } from './service-params.ts';
import { wordsOf, type Words } from './tokens.ts';
import { txtOctets, txtValue } from './txt.ts';

/** The data of one record inside its message, for names that are compressed. */
export class RdataReader {
  private readonly message: Uint8Array;
  private at: number;
  private readonly limit: number;

  constructor(message: Uint8Array, start: number, length: number) {
    if (start + length > message.length) throw new WireFormatError('record data runs past the end of its message');
    this.message = message;
    this.at = start;
    this.limit = start + length;
  }

  take(length: number): Uint8Array {
    if (this.at + length > this.limit) throw new WireFormatError('record data is too short');
    this.at += length;
    return this.message.subarray(this.at - length, this.at);
  }

  number(length: number): number {
    return this.take(length).reduce((value, octet) => value * 256 + octet, 0);
  }

  name(): string {
    const { name, end } = readName(this.message, this.at);
    if (end > this.limit) throw new WireFormatError('a name runs past the end of its record');
    this.at = end;
    return name;
  }

  rest(): Uint8Array {
    return this.take(this.limit - this.at);
  }

  get isAtEnd(): boolean {
    return this.at === this.limit;
  }
}

export interface Field {
  read(from: RdataReader): string;
  write(word: string): Uint8Array;
  /** From presentation form; names without a dot at their end are below `origin`. */
  parse(words: Words, origin: string): string;
  /** To presentation form: names with a dot at their end, ASCII alone. */
  print(word: string): string;
}

const same = (word: string): string => word;

/** A number without leading zeros, or a refusal. */
export function numberOf(word: string, least: number, most: number): number {
  if (!/^(?:0|[1-9][0-9]{0,9})$/.test(word) || Number(word) < least || Number(word) > most)
    refuse('number', { word, least, most });
  return Number(word);
}

const unsigned = (length: number): Field => ({
  read: (from) => String(from.number(length)),
  write: (word) => Uint8Array.from({ length }, (_, at) => Math.floor(Number(word) / 256 ** (length - 1 - at)) & 0xff),
  parse: (words) => String(numberOf(words.next().replace(/^0+(?=\d)/, ''), 0, 256 ** length - 1)),
  print: same,
});

const name: Field = {
  read: (from) => from.name(),
  write: writeName,
  parse: (words, origin) => {
    const word = words.next();
    return word === '@' ? origin : canonicalName(withoutQuotes(word), origin);
  },
  print: absolute,
};

const ipv4: Field = {
  read: (from) => ipv4Text(from.take(4)),
  write: ipv4Octets,
  parse: (words) => ipv4Text(ipv4Octets(words.next())),
  print: same,
};

const ipv6: Field = {
  read: (from) => ipv6Text(from.take(16)),
  write: ipv6Octets,
  parse: (words) => ipv6Text(ipv6Octets(words.next())),
  print: same,
};

const counted = (octets: Uint8Array): Uint8Array =>
  octets.length > 255 ? refuse('string_length') : concatenated([Uint8Array.of(octets.length), octets]);

const stringOctets = (word: string): Uint8Array => unescaped(withoutQuotes(word));

/** A character-string of its own, at most 255 octets. */
const string: Field = {
  read: (from) => quoted(from.take(from.number(1))),
  write: (word) => counted(stringOctets(word)),
  parse: (words) => {
    const octets = stringOctets(words.next());
    counted(octets);
    return quoted(octets);
  },
  print: (word) => quotedAscii(stringOctets(word)),
};

const tagPattern = /^[a-z0-9]+$/;

/** The tag of a CAA record: a character-string that is never quoted. */
const tag: Field = {
  read: (from) => {
    const text = utf8Of(from.take(from.number(1)))?.toLowerCase() ?? '';
    if (!tagPattern.test(text)) throw new WireFormatError('a CAA tag has other characters than letters and digits');
    return text;
  },
  write: (word) => counted(octetsOf(word)),
  parse: (words) => {
    const word = withoutQuotes(words.next()).toLowerCase();
    return tagPattern.test(word) && word.length <= 255 ? word : refuse('caa_tag');
  },
  print: same,
};

/** The rest of the data as one quoted text without a length. */
const text: Field = {
  read: (from) => quoted(from.rest()),
  write: stringOctets,
  parse: (words) => quoted(stringOctets(words.next())),
  print: (word) => quotedAscii(stringOctets(word)),
};

const longestString = 255;

/** Cuts octets into the strings of a TXT record; an empty text is one empty string. */
function strings(octets: Uint8Array): Uint8Array[] {
  const count = Math.max(1, Math.ceil(octets.length / longestString));
  return Array.from({ length: count }, (_, at) => octets.subarray(at * longestString, (at + 1) * longestString));
}

const txt: Field = {
  read(from) {
    const pieces: Uint8Array[] = [];
    do pieces.push(from.take(from.number(1)));
    while (!from.isAtEnd);
    return txtValue(concatenated(pieces));
  },
  write: (value) => concatenated(strings(txtOctets(value)).map(counted)),
  parse: (words) => {
    const first = stringOctets(words.next());
    return txtValue(concatenated([first, ...words.rest().map(stringOctets)]));
  },
  print: (value) => strings(txtOctets(value)).map(quotedAscii).join(' '),
};

/** Octets that take the rest of the words, in hex or base64; blanks between do not matter. */
const binary = (encode: (octets: Uint8Array) => string, decode: (word: string) => Uint8Array): Field => ({
  read: (from) => encode(from.rest()),
  write: decode,
  parse: (words) => encode(decode(words.rest().join(''))),
  print: same,
});

const params: Field = {
  read: (from) => printParams(readParams(from.rest()), 'named'),
  write: (word) => writeParams(parseParams(word === '' ? [] : wordsOf(word))),
  parse: (words) => printParams(parseParams(words.rest()), 'named'),
  print: (word) => printParams(parseParams(word === '' ? [] : wordsOf(word)), 'generic'),
};

/** Every kind of field by name. */
export const fields = {
  u8: unsigned(1),
  u16: unsigned(2),
  u32: unsigned(4),
  name,
  ipv4,
  ipv6,
  string,
  tag,
  text,
  txt,
  hex: binary(hexOf, fromHex),
  base64: binary(base64Of, fromBase64),
  params,
} as const satisfies Record<string, Field>;
