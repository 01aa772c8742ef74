// Redacts log fields by name at any depth (pino's own paths cover one level only), and removes credentials from URLs inside
// texts. Both err on the side of hiding too much.
const hidden = '[redacted]';
const anywhere = /password|passwd|secret|privatekey|authorization|cookie|credential/;
const atTheEnd = /(tokens?|apikey|masterkey|passphrase)$/;
const deepest = 8;

function isSecret(key: string): boolean {
  const plain = key.toLowerCase().replace(/[^a-z]/g, '');
  return anywhere.test(plain) || atTheEnd.test(plain);
}

/** The text without user names and passwords in URLs. */
export function withoutCredentials(text: string): string {
  return text.replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi, `$1${hidden}@`);
}

/** A copy of `value` that is safe to log: secret fields replaced, errors reduced to harmless parts. */
export function redacted(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return withoutCredentials(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return describeError(value, depth);
  if (value instanceof Date) return value;
  if (depth >= deepest) return '[too deep]';
  if (Array.isArray(value)) return value.map((item) => redacted(item, depth + 1));
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  return redactedFields(value, depth);
}

/** The fields of `object`, redacted; see `redacted`. */
export function redactedFields(object: object, depth = 0): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [
      key,
      isSecret(key) && value !== undefined && value !== null ? hidden : redacted(value, depth + 1),
    ]),
  );
}

// Omits other fields of an error: drivers and clients attach rows, requests and responses.
function describeError(error: Error, depth: number): Record<string, unknown> {
  return {
    type: error.name,
    message: withoutCredentials(error.message),
    stack: withoutCredentials(error.stack ?? ''),
    ...('code' in error && { code: error.code }),
    ...(error.cause !== undefined && depth < deepest && { cause: redacted(error.cause, depth + 1) }),
  };
}
