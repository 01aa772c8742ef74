/**
 * The text of a jsonb parameter. The driver would write an array as a PostgreSQL array, hence always text; jsonb cannot
 * hold NUL characters, so they become U+FFFD.
 */
export function json(value: object): string {
  const text = JSON.stringify(value);
  return text.includes('\\u0000') ? JSON.stringify(withoutNul(value)) : text;
}

function withoutNul(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_key, item: unknown) =>
    typeof item === 'string' ? item.replaceAll('\0', '\uFFFD') : item,
  );
}
