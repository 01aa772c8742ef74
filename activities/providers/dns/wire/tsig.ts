// Signatures of messages by a shared key (RFC 8945). A verifier follows the chain of a stream of answers: each signature
// covers the one before it and the unsigned messages in between.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readName, WireFormatError, writeName } from '../../../../kit/dns/labels.ts';
import { classAny, typeTsig } from './constants.ts';
import { resourceBytes } from './message.ts';
import type { ReadMessage, Resource } from './message.ts';

export type TsigAlgorithm = 'hmac-sha256' | 'hmac-sha384' | 'hmac-sha512';

export interface TsigKey {
  name: string;
  algorithm: TsigAlgorithm;
  secret: Buffer;
}

const fudgeSeconds = 300;
/** Messages without a signature between two with one (RFC 8945, 5.3.1). */
const mostUnsigned = 99;

const digestOf = { 'hmac-sha256': 'sha256', 'hmac-sha384': 'sha384', 'hmac-sha512': 'sha512' } as const;

/** The data of a TSIG record. */
interface TsigData {
  algorithm: string;
  /** Seconds since 1970. */
  time: number;
  fudge: number;
  mac: Buffer;
  originalId: number;
  error: number;
  other: Buffer;
}

export function readTsig(data: Buffer): TsigData {
  const { name: algorithm, end: next } = readName(data, 0);
  if (next + 16 > data.length) throw new WireFormatError('a signature is too short');
  const macAt = next + 10;
  const macEnd = macAt + data.readUInt16BE(next + 8);
  if (macEnd + 6 > data.length) throw new WireFormatError('a signature is too short');
  const otherAt = macEnd + 6;
  if (otherAt + data.readUInt16BE(macEnd + 4) !== data.length) throw new WireFormatError('a signature is too short');
  return {
    algorithm,
    time: data.readUIntBE(next, 6),
    fudge: data.readUInt16BE(next + 6),
    mac: data.subarray(macAt, macEnd),
    originalId: data.readUInt16BE(macEnd),
    error: data.readUInt16BE(macEnd + 2),
    other: data.subarray(otherAt),
  };
}

const uint = (value: number, bytes: number): Buffer => {
  const written = Buffer.alloc(bytes);
  written.writeUIntBE(value, 0, bytes);
  return written;
};

const withLength = (bytes: Buffer): Buffer => Buffer.concat([uint(bytes.length, 2), bytes]);

function tsigData({ algorithm, time, fudge, mac, originalId, error, other }: TsigData): Buffer {
  const last = [uint(originalId, 2), uint(error, 2), withLength(other)];
  return Buffer.concat([writeName(algorithm), uint(time, 6), uint(fudge, 2), withLength(mac), ...last]);
}

/** What is signed besides the message (RFC 8945, 4.3.3); between the messages of a stream only the times. */
function variables(key: string, { algorithm, time, fudge, error, other }: TsigData, timesOnly: boolean): Buffer {
  const times = Buffer.concat([uint(time, 6), uint(fudge, 2)]);
  if (timesOnly) return times;
  const owner = [writeName(key), uint(classAny, 2), uint(0, 4), writeName(algorithm)];
  return Buffer.concat([...owner, times, uint(error, 2), withLength(other)]);
}

const macOf = (key: TsigKey, parts: readonly Buffer[]): Buffer => {
  const hmac = createHmac(digestOf[key.algorithm], key.secret);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
};

/** Signs a message; `prior` is the signature that it answers, or follows (`timesOnly`). */
export function signed(
  message: Buffer,
  key: TsigKey,
  time: number,
  { prior = null, timesOnly = false, error = 0, other = Buffer.alloc(0) }: SigningOptions = {},
): { bytes: Buffer; mac: Buffer } {
  const unsigned: TsigData = {
    algorithm: key.algorithm,
    time,
    fudge: fudgeSeconds,
    mac: Buffer.alloc(0),
    originalId: message.readUInt16BE(0),
    error,
    other,
  };
  const mac = macOf(key, [...(prior ? [withLength(prior)] : []), message, variables(key.name, unsigned, timesOnly)]);
  const data = tsigData({ ...unsigned, mac });
  const record: Resource = { name: key.name, type: typeTsig, class: classAny, ttl: 0, data };
  const bytes = Buffer.concat([message, resourceBytes(record)]);
  bytes.writeUInt16BE(bytes.readUInt16BE(10) + 1, 10);
  return { bytes, mac };
}

interface SigningOptions {
  prior?: Buffer | null;
  timesOnly?: boolean;
  error?: number;
  other?: Buffer;
}

/** `unsigned`: without a signature, which a later one may cover; an `error` is what the server says of our own signature. */
type Verdict =
  | { state: 'signed' }
  | { state: 'unsigned' }
  | { state: 'error'; error: number; serverTime: number | null }
  | { state: 'false'; reason: string };

export interface TsigVerifier {
  check(bytes: Buffer, message: ReadMessage, now: number): Verdict;
}

const falseOf = (reason: string): Verdict => ({ state: 'false', reason });

/** The message as it was before it was signed. */
function stripped(bytes: Buffer, at: number, originalId: number): Buffer {
  const message = Buffer.from(bytes.subarray(0, at));
  message.writeUInt16BE(originalId, 0);
  message.writeUInt16BE(message.readUInt16BE(10) - 1, 10);
  return message;
}

/** Creates the verifier of the answers to a request with this signature; null: of a request itself. */
export function createVerifier(key: TsigKey, requestMac: Buffer | null): TsigVerifier {
  let prior = requestMac;
  let between: Buffer[] = [];
  let isFirst = true;
  const check = (bytes: Buffer, message: ReadMessage, now: number): Verdict => {
    if (!message.tsig) {
      between.push(bytes);
      return isFirst || between.length > mostUnsigned ? falseOf('it is not signed') : { state: 'unsigned' };
    }
    const { record, at } = message.tsig;
    const found = readTsig(record.data);
    if (record.name !== key.name || found.algorithm !== key.algorithm || record.class !== classAny)
      return falseOf('it is signed by another key');
    const serverTime = found.other.length === 6 ? found.other.readUIntBE(0, 6) : null;
    // A server that does not know the key, or finds the signature wrong, cannot sign (RFC 8945, 5.3.2).
    if (found.mac.length === 0 && found.error !== 0) return { state: 'error', error: found.error, serverTime };
    const text = stripped(bytes, at, found.originalId);
    const parts = [...(prior ? [withLength(prior)] : []), ...between, text, variables(key.name, found, !isFirst)];
    const expected = macOf(key, parts);
    if (found.mac.length !== expected.length || !timingSafeEqual(found.mac, expected))
      return falseOf('its signature is wrong');
    if (found.error !== 0) return { state: 'error', error: found.error, serverTime };
    if (Math.abs(now - found.time) > found.fudge)
      return falseOf('its signature is not of this time; compare the clocks');
    [prior, between, isFirst] = [found.mac, [], false];
    return { state: 'signed' };
  };
  return { check };
}
