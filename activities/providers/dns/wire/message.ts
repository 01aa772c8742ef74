// DNS messages (RFC 1035, 4; RFC 2136, 2; RFC 6891), read strictly: a message that does not add up is refused whole.
import { readName, WireFormatError, writeName } from '../../../../kit/dns/labels.ts';
import { classIn, opcodeQuery, rcode, typeOpt, typeSoa, typeTsig } from './constants.ts';
import { NameWriter } from './names.ts';
import { writtenOut } from './rdata-names.ts';

export interface Question {
  name: string;
  type: number;
  class: number;
}

export interface Resource {
  name: string;
  type: number;
  class: number;
  /** Seconds. */
  ttl: number;
  /** Without compression. */
  data: Buffer;
}

/** The sections of an update are called zone, prerequisites, updates and additional, in this order. */
export interface DnsMessage {
  id: number;
  isResponse: boolean;
  opcode: number;
  isAuthoritative: boolean;
  isTruncated: boolean;
  rcode: number;
  questions: Question[];
  answers: Resource[];
  authorities: Resource[];
  additionals: Resource[];
}

/** A message as read. The signature is not among `additionals`. */
export interface ReadMessage extends DnsMessage {
  tsig: { record: Resource; at: number } | null;
}

export const longestMessage = 65_535;
const headerBytes = 12;
const longestTtl = 0x7fffffff;

export function newMessage(id: number, opcode: number = opcodeQuery): DnsMessage {
  return {
    id,
    isResponse: false,
    opcode,
    isAuthoritative: false,
    isTruncated: false,
    rcode: rcode.noError,
    questions: [],
    answers: [],
    authorities: [],
    additionals: [],
  };
}

/** Bytes of a record without compression. */
export function resourceBytes(
  { name, type, class: kind, ttl, data }: Resource,
  owner: Uint8Array = writeName(name),
): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(kind, 2);
  fixed.writeUInt32BE(ttl, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([owner, fixed, data]);
}

/** Writes a message; owner names are compressed, names inside data are not. May exceed what a message can hold. */
export function writeMessage(message: DnsMessage): Buffer {
  const { questions, answers, authorities, additionals } = message;
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(message.id, 0);
  const flags =
    (message.isResponse ? 0x8000 : 0) |
    (message.opcode << 11) |
    (message.isAuthoritative ? 0x0400 : 0) |
    (message.isTruncated ? 0x0200 : 0) |
    message.rcode;
  header.writeUInt16BE(flags, 2);
  for (const [index, section] of [questions, answers, authorities, additionals].entries())
    header.writeUInt16BE(Math.min(section.length, 0xffff), 4 + 2 * index);
  const names = new NameWriter();
  const parts: Buffer[] = [header];
  let at = headerBytes;
  const add = (bytes: Buffer): void => {
    parts.push(bytes);
    at += bytes.length;
  };
  for (const { name, type, class: kind } of questions)
    add(Buffer.concat([names.bytes(name, at), Buffer.of(type >> 8, type & 0xff, kind >> 8, kind & 0xff)]));
  for (const record of [...answers, ...authorities, ...additionals])
    add(resourceBytes(record, names.bytes(record.name, at)));
  return Buffer.concat(parts);
}

function readQuestion(bytes: Buffer, start: number): { question: Question; next: number } {
  const { name, end: next } = readName(bytes, start);
  if (next + 4 > bytes.length) throw new WireFormatError('the message ends within its question');
  return {
    question: { name, type: bytes.readUInt16BE(next), class: bytes.readUInt16BE(next + 2) },
    next: next + 4,
  };
}

function readResource(bytes: Buffer, start: number): { record: Resource; next: number } {
  const { name, end: at } = readName(bytes, start);
  if (at + 10 > bytes.length) throw new WireFormatError('the message ends within a record');
  const type = bytes.readUInt16BE(at);
  const ttl = bytes.readUInt32BE(at + 4);
  const next = at + 10 + bytes.readUInt16BE(at + 8);
  if (next > bytes.length) throw new WireFormatError('the message ends within the data of a record');
  return {
    record: {
      name,
      type,
      class: bytes.readUInt16BE(at + 2),
      // RFC 2181, 8: a TTL with its highest bit set counts as 0. The field of EDNS is none.
      ttl: ttl > longestTtl && type !== typeOpt ? 0 : ttl,
      data: writtenOut(bytes, type, at + 10, next),
    },
    next,
  };
}

/** Reads a message; throws WireFormatError. */
export function readMessage(bytes: Buffer): ReadMessage {
  if (bytes.length < headerBytes) throw new WireFormatError('the message is shorter than a header');
  const flags = bytes.readUInt16BE(2);
  const counts = [4, 6, 8, 10].map((at) => bytes.readUInt16BE(at));
  let at = headerBytes;
  const questions: Question[] = [];
  for (let left = counts[0] ?? 0; left > 0; left -= 1) {
    const { question, next } = readQuestion(bytes, at);
    questions.push(question);
    at = next;
  }
  let tsig: ReadMessage['tsig'] = null;
  const sections = [1, 2, 3].map((section) => {
    const records: Resource[] = [];
    for (let left = counts[section] ?? 0; left > 0; left -= 1) {
      const { record, next } = readResource(bytes, at);
      if (record.type !== typeTsig) records.push(record);
      else if (section === 3 && left === 1) tsig = { record, at };
      else throw new WireFormatError('the signature is not the last record');
      at = next;
    }
    return records;
  });
  if (at !== bytes.length) throw new WireFormatError('the message is longer than its records');
  const [answers = [], authorities = [], additionals = []] = sections;
  return {
    id: bytes.readUInt16BE(0),
    isResponse: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 0xf,
    isAuthoritative: (flags & 0x0400) !== 0,
    isTruncated: (flags & 0x0200) !== 0,
    rcode: flags & 0xf,
    questions,
    answers,
    authorities,
    additionals,
    tsig,
  };
}

export const sameQuestion = (a: Question, b: Question): boolean =>
  a.name === b.name && a.type === b.type && a.class === b.class;

export const isSoaOf = (zone: string, { name, type, class: kind }: Resource): boolean =>
  name === zone && type === typeSoa && kind === classIn;
