// The messages of rndc (ISC's command channel): nested tables of text, signed with a key. Read strictly and by their verified
// bytes only.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { TsigAlgorithm } from '../wire/tsig.ts';

/** Text is sent as binary data; lists don't occur in what we read. */
export interface IsccTable {
  readonly [key: string]: string | Buffer | IsccTable;
}

export class IscccError extends Error {
  /** The signature is not that of our key. */
  readonly isKey: boolean;

  constructor(message: string, isKey = false) {
    super(message);
    this.name = 'IscccError';
    this.isKey = isKey;
  }
}

const binaryType = 1;
const tableType = 2;
const listType = 3;
const version = 1;
const deepest = 4;

const algorithms = {
  'hmac-sha256': { number: 163, digest: 'sha256' },
  'hmac-sha384': { number: 164, digest: 'sha384' },
  'hmac-sha512': { number: 165, digest: 'sha512' },
} as const;

/** Base64 of the longest digest. */
const signatureBytes = 88;

export interface RndcKey {
  algorithm: TsigAlgorithm;
  secret: Buffer;
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

const entry = (key: string, type: number, data: Buffer): Buffer =>
  Buffer.concat([Buffer.of(key.length), Buffer.from(key, 'latin1'), Buffer.of(type), uint32(data.length), data]);

function tableBytes(table: IsccTable): Buffer {
  const entries = Object.entries(table).map(([key, value]) => {
    if (typeof value === 'string') return entry(key, binaryType, Buffer.from(value, 'utf8'));
    return Buffer.isBuffer(value) ? entry(key, binaryType, value) : entry(key, tableType, tableBytes(value));
  });
  return Buffer.concat(entries);
}

function signatureOf({ algorithm, secret }: RndcKey, signed: Buffer): Buffer {
  const { number, digest } = algorithms[algorithm];
  const signature = Buffer.alloc(1 + signatureBytes);
  signature[0] = number;
  signature.write(createHmac(digest, secret).update(signed).digest('base64'), 1, 'latin1');
  return signature;
}

/** A signed message, without the length before it. */
export function writeRndc(message: IsccTable, key: RndcKey): Buffer {
  const signed = tableBytes(message);
  const auth = tableBytes({ _auth: { hsha: signatureOf(key, signed) } });
  return Buffer.concat([uint32(version), auth, signed]);
}

function readTable(bytes: Buffer, depth: number): IsccTable {
  const table = Object.create(null) as Record<string, string | Buffer | IsccTable>;
  let at = 0;
  while (at < bytes.length) {
    const keyEnd = at + 1 + (bytes[at] ?? 0);
    const start = keyEnd + 5;
    if (start > bytes.length) throw new IscccError('a table breaks off');
    const end = start + bytes.readUInt32BE(keyEnd + 1);
    if (end > bytes.length) throw new IscccError('a table breaks off');
    const key = bytes.toString('latin1', at + 1, keyEnd);
    const data = bytes.subarray(start, end);
    const type = bytes[keyEnd];
    if (key in table) throw new IscccError('a table has a key twice');
    if (type === tableType && depth < deepest) table[key] = readTable(data, depth + 1);
    else if (type === tableType || type === listType) throw new IscccError('a table is nested too deeply');
    else table[key] = data;
    at = end;
  }
  return table;
}

/** Reads and verifies a message; throws IscccError. */
export function readRndc(bytes: Buffer, key: RndcKey): IsccTable {
  if (bytes.length < 4 || bytes.readUInt32BE(0) !== version) throw new IscccError('the message is not of the protocol');
  const table = readTable(bytes.subarray(4), 0);
  const { _auth: auth } = table;
  const hsha = auth === undefined || typeof auth === 'string' || Buffer.isBuffer(auth) ? undefined : auth['hsha'];
  if (!Buffer.isBuffer(hsha)) throw new IscccError('the message is not signed', true);
  // The signature comes first; what follows is signed.
  const authBytes = tableBytes({ _auth: { hsha } });
  if (!bytes.subarray(4, 4 + authBytes.length).equals(authBytes))
    throw new IscccError('the signature is not the first entry');
  const expected = signatureOf(key, bytes.subarray(4 + authBytes.length));
  if (hsha.length !== expected.length || !timingSafeEqual(hsha, expected))
    throw new IscccError('the signature is wrong', true);
  return table;
}

export const textAt = (table: IsccTable, ...path: readonly string[]): string | null => {
  let found: string | Buffer | IsccTable | undefined = table;
  for (const key of path) {
    if (found === undefined || typeof found === 'string' || Buffer.isBuffer(found)) return null;
    found = found[key];
  }
  if (Buffer.isBuffer(found)) return found.toString('utf8');
  return typeof found === 'string' ? found : null;
};
