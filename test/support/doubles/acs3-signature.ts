// Alibaba Cloud's signature V3 (ACS3-HMAC-SHA256), written from its document for the double.
import { createHash, createHmac } from 'node:crypto';

interface SignedRequest {
  method: string;
  query: URLSearchParams;
  /** By lower-cased name. */
  headers: Readonly<Record<string, string>>;
  signedHeaders: readonly string[];
  payload: string;
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** RFC 3986: everything but letters, digits and -_.~ */
const encode = (text: string): string =>
  [...Buffer.from(text, 'utf8')]
    .map((byte) => {
      const one = String.fromCharCode(byte);
      return /[A-Za-z0-9\-_.~]/.test(one) ? one : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');

export function acs3Signature(request: SignedRequest, secret: string): string {
  const { method, query, headers, signedHeaders, payload } = request;
  const canonicalQuery = [...query]
    .map(([key, value]) => `${encode(key)}=${encode(value)}`)
    .sort()
    .join('&');
  const lines = signedHeaders.map((name) => `${name}:${(headers[name] ?? '').trim()}\n`).join('');
  const canonical = [method, '/', canonicalQuery, lines, signedHeaders.join(';'), hash(payload)].join('\n');
  return createHmac('sha256', secret)
    .update(`ACS3-HMAC-SHA256\n${hash(canonical)}`)
    .digest('hex');
}
