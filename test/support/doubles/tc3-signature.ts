// Tencent Cloud's signature v3 (TC3-HMAC-SHA256), written from its document for the double.
import { createHash, createHmac } from 'node:crypto';

interface SignedRequest {
  method: string;
  /** As in the address, without the question mark. */
  query: string;
  /** By lower-cased name. */
  headers: Readonly<Record<string, string>>;
  signedHeaders: readonly string[];
  payload: string;
  /** Seconds since 1970, as in X-TC-Timestamp. */
  timestamp: number;
  service: string;
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
const mac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

export function tc3Signature(request: SignedRequest, secretKey: string): string {
  const { method, query, headers, signedHeaders, payload, timestamp, service } = request;
  const lines = signedHeaders.map((name) => `${name}:${(headers[name] ?? '').trim().toLowerCase()}\n`).join('');
  const canonical = [method, '/', query, lines, signedHeaders.join(';'), hash(payload)].join('\n');
  const date = new Date(timestamp * 1000).toISOString().slice(0, 10);
  const toSign = ['TC3-HMAC-SHA256', timestamp, `${date}/${service}/tc3_request`, hash(canonical)].join('\n');
  const key = mac(mac(mac(`TC3${secretKey}`, date), service), 'tc3_request');
  return mac(key, toSign).toString('hex');
}
