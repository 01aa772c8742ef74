// Domain names on the wire (RFC 1035, 3.1 and 4.1.4). In Slipway a name is its presentation form in lower case without the
// trailing dot; the root is ".".
import { DnsWireError } from './errors.ts';

const longestName = 255;
const longestLabel = 63;
const pointerBits = 0xc0;

const lower = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte);
const isPlain = (byte: number): boolean =>
  (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x5f;
const special = new Set([...'."\\;@$()'].map((letter) => letter.charCodeAt(0)));

function escaped(byte: number): string {
  if (special.has(byte)) return `\\${String.fromCharCode(byte)}`;
  return byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, '0')}`;
}

function labelText(bytes: Buffer, from: number, to: number): string {
  let text = '';
  for (let at = from; at < to; at += 1) {
    const byte = lower(bytes[at] ?? 0);
    text += isPlain(byte) ? String.fromCharCode(byte) : escaped(byte);
  }
  return text;
}

/** Reads a name that may be compressed; `next` is the position after it. Pointers lead backwards only. */
export function readName(bytes: Buffer, start: number): { name: string; next: number } {
  const labels: string[] = [];
  let at = start;
  let next = -1;
  let lowest = start;
  let length = 1;
  for (;;) {
    const size = bytes[at];
    if (size === undefined) throw new DnsWireError('a name goes beyond the end of the message');
    if (size === 0) return { name: labels.join('.') || '.', next: next < 0 ? at + 1 : next };
    if ((size & pointerBits) === pointerBits) {
      const target = ((size & 0x3f) << 8) | (bytes[at + 1] ?? 0);
      if (next < 0) next = at + 2;
      if (target >= lowest || next > bytes.length) throw new DnsWireError('a compressed name does not point backwards');
      lowest = at = target;
      continue;
    }
    const end = at + 1 + size;
    length += size + 1;
    if (size > longestLabel || length > longestName || end > bytes.length)
      throw new DnsWireError('a name is longer than names can be');
    labels.push(labelText(bytes, at + 1, end));
    at = end;
  }
}

/** The labels of a name in presentation form, as bytes; escapes are undone. */
function labelsOf(name: string): Buffer[] {
  if (name === '.' || name === '') return [];
  const labels: number[][] = [[]];
  for (let at = 0; at < name.length; at += 1) {
    const letter = name[at] ?? '';
    const digits = letter === '\\' ? /^\d{3}/.exec(name.slice(at + 1, at + 4))?.[0] : undefined;
    if (letter === '.') {
      if (at < name.length - 1) labels.push([]);
    } else if (digits !== undefined) {
      labels.at(-1)?.push(Number(digits));
      at += 3;
    } else if (letter === '\\') labels.at(-1)?.push(name.charCodeAt((at += 1)));
    else labels.at(-1)?.push(letter.charCodeAt(0));
  }
  return labels.map((label) => {
    if (label.length === 0 || label.length > longestLabel || label.some((byte) => !(byte <= 0xff)))
      throw new DnsWireError('a label of a name is empty, too long, or no ASCII');
    return Buffer.from(label.map(lower));
  });
}

/** Writes names; with `seen`, names written before are pointed to. */
export function nameBytes(name: string, seen?: { at: number; offsets: Map<string, number> }): Buffer {
  const labels = labelsOf(name);
  if (labels.reduce((sum, label) => sum + label.length + 1, 1) > longestName)
    throw new DnsWireError('a name is longer than names can be');
  const parts: Buffer[] = [];
  let size = 0;
  for (const [index, label] of labels.entries()) {
    const suffix = seen && Buffer.concat(labels.slice(index).flatMap((one) => [Buffer.of(one.length), one])).toString('latin1');
    const known = suffix === undefined ? undefined : seen?.offsets.get(suffix);
    if (known !== undefined) return Buffer.concat([...parts, Buffer.of(pointerBits | (known >> 8), known & 0xff)]);
    if (seen && suffix !== undefined && seen.at + size < 0x4000) seen.offsets.set(suffix, seen.at + size);
    parts.push(Buffer.of(label.length), label);
    size += label.length + 1;
  }
  return Buffer.concat([...parts, Buffer.of(0)]);
}
