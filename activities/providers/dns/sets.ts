// Comparison of sets. Values are canonical, so that equal records have equal texts.
import type { ServerSet, SetChange, SetKey } from './driver.ts';

export const keyOf = ({ name, type }: SetKey): string => `${name} ${type}`;

const sameValues = (a: readonly string[], b: readonly string[]): boolean => {
  const known = new Set(a);
  return a.length === b.length && b.every((value) => known.has(value));
};

/** The TTL of a set without enabled values is compared too, as the server holds it. */
export function sameSet(a: ServerSet | null, b: ServerSet | null): boolean {
  if (a === null || b === null) return a === b;
  return a.ttl === b.ttl && sameValues(a.values, b.values) && sameValues(a.disabled, b.disabled);
}

export const bySetKey = (sets: readonly ServerSet[]): ReadonlyMap<string, ServerSet> =>
  new Map(sets.map((set) => [keyOf(set), set]));

type Standing = { state: 'as_before' | 'as_after' } | { state: 'other'; sets: SetKey[] };

/** How the sets stand against a change: all as before it, all as after it, or otherwise, with those that differ. */
export function standing(changes: readonly SetChange[], found: readonly ServerSet[]): Standing {
  const present = bySetKey(found);
  const now = (change: SetChange): ServerSet | null => present.get(keyOf(change)) ?? null;
  if (changes.every((change) => sameSet(now(change), change.after))) return { state: 'as_after' };
  const sets = changes.filter((change) => !sameSet(now(change), change.before));
  if (sets.length === 0) return { state: 'as_before' };
  return { state: 'other', sets: sets.map(({ name, type }) => ({ name, type })) };
}

/** The sets that are not as wished. */
export function notApplied(changes: readonly SetChange[], found: readonly ServerSet[]): SetKey[] {
  const present = bySetKey(found);
  return changes
    .filter((change) => !sameSet(present.get(keyOf(change)) ?? null, change.after))
    .map(({ name, type }) => ({ name, type }));
}

/** A set without any value is none. */
export const isEmptySet = ({ values, disabled }: ServerSet): boolean => values.length + disabled.length === 0;
