// The signature of CloudStack's developer guide, written from its text for the double: values URL-encoded as Java does,
// spaces as %20, everything lower-cased, sorted by field, HMAC-SHA1 in base64.
import { createHmac } from 'node:crypto';

const javaUrlEncode = (text: string): string =>
  new URLSearchParams([['', text]]).toString().slice(1).replaceAll('+', '%20');

/** Of all parameters but the signature. */
export function cloudStackSignature(parameters: Iterable<readonly [string, string]>, secretKey: string): string {
  const fields = [...parameters]
    .filter(([key]) => key.toLowerCase() !== 'signature')
    .map(([key, value]): [string, string] => [key.toLowerCase(), javaUrlEncode(value).toLowerCase()])
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const text = fields.map(([key, value]) => `${key}=${value}`).join('&');
  return createHmac('sha1', secretKey).update(text).digest('base64');
}
