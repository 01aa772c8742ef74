// Domain names as they are on the wire: labels of octets, read through compression pointers, and their text form with the
// escapes of RFC 1035. Only what servers hold needs escapes; names of the API come from names.ts and have none.
import { octetsOf, unescaped } from './octets.ts';
import { refuse } from './refusals.ts';

/** A message or record that is not as RFC 1035 has it. */
export class WireFormatError extends Error {
  override readonly name = 'WireFormatError';
}

const longestName = 255;
const longestLabel = 63;
const mostPointers = 127;

function labelText(octets: Uint8Array): string {
  let text = '';
  for (const octet of octets) {
    const character = String.fromCharCode(octet >= 0x41 && octet <= 0x5a ? octet + 32 : octet);
    if (octet <= 0x20 || octet >= 0x7f) text += `\\${String(octet).padStart(3, '0')}`;
    else text += '".;\\()@$'.includes(character) ? `\\${character}` : character;
  }
  return text;
}

/** Reads the name at an offset of a message; `end` is the offset after it. Pointers lead backwards only, so it ends. */
export function readName(message: Uint8Array, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let [at, end, size, pointers, before] = [start, -1, 1, 0, start];
  for (;;) {
    const length = message[at];
    if (length === undefined) throw new WireFormatError('a name runs past the end of its message');
    if (length >= 0xc0) {
      const target = ((length & 0x3f) << 8) | (message[at + 1] ?? 0);
      pointers += 1;
      if (at + 1 >= message.length || target >= before || pointers > mostPointers)
        throw new WireFormatError('a compression pointer leads nowhere');
      if (end < 0) end = at + 2;
      at = target;
      before = target;
      continue;
    }
    if (length > longestLabel) throw new WireFormatError('a label is of an unknown kind');
    if (length === 0) break;
    size += length + 1;
    if (size > longestName || at + 1 + length > message.length) throw new WireFormatError('a name is too long');
    labels.push(labelText(message.subarray(at + 1, at + 1 + length)));
    at += length + 1;
  }
  return { name: labels.length === 0 ? '.' : labels.join('.'), end: end < 0 ? at + 1 : end };
}

/** Splits a name at its unescaped dots; escapes stay. The root has no labels. */
export function labelsOf(name: string): string[] {
  if (name === '.' || name === '') return [];
  if (!name.includes('\\')) return name.split('.');
  const labels: string[] = [];
  let start = 0;
  for (let at = 0; at < name.length; at += 1) {
    if (name[at] === '\\') at += 1;
    else if (name[at] === '.') {
      labels.push(name.slice(start, at));
      start = at + 1;
    }
  }
  return [...labels, name.slice(start)];
}

/** The octets of a name without compression. */
export function writeName(name: string): Uint8Array {
  const octets = new Uint8Array(longestName);
  let at = 0;
  for (const label of labelsOf(name)) {
    const piece = label.includes('\\') ? unescaped(label) : octetsOf(label);
    if (piece.length === 0 || piece.length > longestLabel) refuse('label_length', { label });
    if (at + piece.length + 2 > longestName) refuse('name_length');
    octets[at] = piece.length;
    octets.set(piece, at + 1);
    at += piece.length + 1;
  }
  return octets.slice(0, at + 1);
}

const plainName = /^[a-z0-9_*/-]{1,63}(?:\.[a-z0-9_*/-]{1,63})*$/;

/**
 * The canonical form of a name in presentation form: absolute with a dot at its end, else below `origin`. Takes what servers
 * hold, beyond what people may make.
 */
export function canonicalName(text: string, origin = '.'): string {
  if (text === '.') return '.';
  const name = lowerCase(text);
  const isAbsolute = name.endsWith('.') && labelsOf(name).at(-1) === '';
  const whole = isAbsolute ? name.slice(0, -1) : below(name, origin);
  if (whole.length <= 253 && plainName.test(whole)) return whole;
  return readName(writeName(whole), 0).name;
}

/** Of ASCII letters alone: DNS knows no other case. */
export const lowerCase = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

const below = (name: string, origin: string): string => (origin === '.' ? name : `${name}.${origin}`);

/** With the dot at its end, as servers and zone files write it. */
export const absolute = (name: string): string => (name === '.' ? name : `${name}.`);

/** Whether a name equals another, or is below it. */
export const isWithin = (name: string, domain: string): boolean =>
  domain === '.' || name === domain || isBelow(name, domain);

/** Whether a name is below another and not equal to it. */
export function isBelow(name: string, domain: string): boolean {
  if (domain === '.') return name !== '.';
  if (!name.endsWith(`.${domain}`)) return false;
  const before = name.slice(0, -domain.length - 1);
  return !/(?:^|[^\\])(?:\\\\)*\\$/.test(before);
}

/** The name without its first label; undefined for the root. */
export function parentOf(name: string): string | undefined {
  if (name === '.') return undefined;
  const [first = ''] = labelsOf(name);
  return name.length === first.length ? '.' : name.slice(first.length + 1);
}
