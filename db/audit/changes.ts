import { json } from '../core/jsonb.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import type { AuditChanges } from './tables.ts';

const limitBytes = 1024 * 1024;
const cutText = 1_000;
const mask = '******';

/**
 * What changed from `before` to `after`, or null when nothing did; fields that `after` lacks stay. A null side means
 * that the object was not there (creation) or is gone (deletion). Field names come out as the API writes them.
 */
export function diff(
  before: object | null,
  after: object | null,
  secretFields: readonly string[] = [],
): AuditChanges | null {
  const old = plain(before);
  const now = plain(after);
  const changes: AuditChanges = {};
  for (const field of Object.keys(after === null ? old : now)) {
    const [was, is] = [old[field] ?? null, after === null ? null : (now[field] ?? null)];
    if (canonicalJson(was) === canonicalJson(is)) continue;
    const shown = secretFields.includes(field) ? [masked(was), masked(is)] : [was, is];
    changes[apiName(field)] = shown as [unknown, unknown];
  }
  return Object.keys(changes).length === 0 ? null : changes;
}

const masked = (value: unknown): string | null => (value === null ? null : mask);
const apiName = (field: string): string => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

// By way of JSON: dates become text, undefined fields fall away, the same as when it is stored.
function plain(value: object | null): Record<string, unknown> {
  return value === null ? {} : (JSON.parse(JSON.stringify(value)) as Record<string, unknown>);
}

/** The text to store: at most 1 MiB, else with long texts cut, then fields left out, and `truncated` set. */
export function storedChanges(changes: AuditChanges): string {
  const whole = json(changes);
  if (Buffer.byteLength(whole) <= limitBytes) return whole;
  const cut = JSON.parse(whole, (_key, value: unknown) =>
    typeof value === 'string' && value.length > cutText ? `${value.slice(0, cutText).toWellFormed()}…` : value,
  ) as AuditChanges;
  const kept: Record<string, unknown> = { truncated: true };
  let size = 64;
  for (const [field, pair] of Object.entries(cut)) {
    size += Buffer.byteLength(JSON.stringify({ [field]: pair }));
    if (size <= limitBytes) kept[field] = pair;
  }
  return json(kept);
}
