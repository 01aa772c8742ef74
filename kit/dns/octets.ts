// Octets as text and back: the escapes of RFC 1035 (`\"`, `\\`, `\DDD`), quoted strings, hex and base64.
import { refuse } from './refusals.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

export const octetsOf = (text: string): Uint8Array => encoder.encode(text);

export const octetLength = (text: string): number => Buffer.byteLength(text);

/** The text of octets; undefined when they are not UTF-8. */
export function utf8Of(octets: Uint8Array): string | undefined {
  try {
    return decoder.decode(octets);
  } catch {
    return undefined;
  }
}

const backslash = 0x5c;
const quote = 0x22;
const isDigit = (octet: number | undefined): octet is number => octet !== undefined && octet >= 0x30 && octet <= 0x39;

/** Undoes the escapes of a string whose quotes have been taken off. */
export function unescaped(text: string): Uint8Array {
  const raw = encoder.encode(text);
  if (!raw.includes(backslash)) return raw;
  const octets = new Uint8Array(raw.length);
  let length = 0;
  for (let at = 0; at < raw.length; at += 1) {
    let octet = raw[at] ?? 0;
    if (octet === backslash) {
      const [first, second, third] = [raw[at + 1], raw[at + 2], raw[at + 3]];
      if (first === undefined) refuse('escape_unfinished');
      if (isDigit(first)) {
        octet = isDigit(second) && isDigit(third) ? (first - 48) * 100 + (second - 48) * 10 + third - 48 : 256;
        if (octet > 255) refuse('escape_number');
        at += 3;
      } else {
        octet = first;
        at += 1;
      }
    }
    octets[length] = octet;
    length += 1;
  }
  return octets.subarray(0, length);
}

const decimal = (octet: number): string => `\\${String(octet).padStart(3, '0')}`;

/** `"…"` in ASCII alone, as servers and zone files take it. */
export function quotedAscii(octets: Uint8Array): string {
  let text = '"';
  for (const octet of octets) {
    if (octet === quote || octet === backslash) text += `\\${String.fromCharCode(octet)}`;
    else text += octet >= 0x20 && octet <= 0x7e ? String.fromCharCode(octet) : decimal(octet);
  }
  return `${text}"`;
}

const controls = /[\u0000-\u001f\u007f-\u009f]/;
const special = /["\\\u0000-\u001f\u007f-\u009f]/gu;

export const hasControls = (text: string): boolean => controls.test(text);

const escapedCharacter = (character: string): string =>
  character === '"' || character === '\\' ? `\\${character}` : Array.from(octetsOf(character), decimal).join('');

/** `"…"` for people: UTF-8 stays readable, controls and what is not UTF-8 become `\DDD`. */
export function quoted(octets: Uint8Array): string {
  const text = utf8Of(octets);
  return text === undefined ? quotedAscii(octets) : `"${text.replace(special, escapedCharacter)}"`;
}

/** RFC 9460's char-string: bare where it can be. */
export function bareOrQuoted(octets: Uint8Array): string {
  const text = utf8Of(octets);
  return text !== undefined && /^[!#-'*-:<-[\]-~]+$/.test(text) ? text : quotedAscii(octets);
}

/** The inside of `"…"`, or the text as it is; escapes are kept. */
export const withoutQuotes = (token: string): string => (token.startsWith('"') ? token.slice(1, -1) : token);

export const hexOf = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');

export function fromHex(text: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/i.test(text)) refuse('hex_invalid');
  return new Uint8Array(Buffer.from(text, 'hex'));
}

export const base64Of = (octets: Uint8Array): string => Buffer.from(octets).toString('base64');

export function fromBase64(text: string): Uint8Array {
  const octets = Buffer.from(text, 'base64');
  if (octets.toString('base64') !== text) refuse('base64_invalid');
  return new Uint8Array(octets);
}

export function concatenated(pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces));
}
