// Names inside record data may be compressed in the older types (RFC 3597, 4). Data leaves the message with them written out.
import { readName, WireFormatError, writeName } from '../../../../kit/dns/labels.ts';

/** Before the names: a number of bytes, or of bytes and character strings. */
interface Layout {
  bytes: number;
  strings?: number;
  names: number;
}

const oneName: Layout = { bytes: 0, names: 1 };
const twoNames: Layout = { bytes: 0, names: 2 };
const preference: Layout = { bytes: 2, names: 1 };

/** NS, MD, MF, CNAME, SOA, MB, MG, MR, PTR, MINFO, MX, RP, AFSDB, RT, PX, SRV, NAPTR, KX, DNAME. */
const layouts = new Map<number, Layout>([
  ...[2, 3, 4, 5, 7, 8, 9, 12, 39].map((type): [number, Layout] => [type, oneName]),
  ...[6, 14, 17].map((type): [number, Layout] => [type, twoNames]),
  ...[15, 18, 21, 36].map((type): [number, Layout] => [type, preference]),
  [26, { bytes: 2, names: 2 }],
  [33, { bytes: 6, names: 1 }],
  [35, { bytes: 4, strings: 3, names: 1 }],
]);

/** The data of a record at this place of a message, without compression. */
export function writtenOut(message: Buffer, type: number, start: number, end: number): Buffer {
  const layout = layouts.get(type);
  // Data of updates and prerequisites may be empty.
  if (!layout || start === end) return Buffer.from(message.subarray(start, end));
  let at = start + layout.bytes;
  for (let string = 0; string < (layout.strings ?? 0); string += 1) at += 1 + (message[at] ?? 0);
  const parts = [message.subarray(start, at)];
  for (let index = 0; index < layout.names; index += 1) {
    const { name, end: next } = readName(message, at);
    parts.push(Buffer.from(writeName(name)));
    at = next;
  }
  if (at > end) throw new WireFormatError('the data of a record is shorter than it says');
  parts.push(message.subarray(at, end));
  return Buffer.concat(parts);
}
