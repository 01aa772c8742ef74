// Differences of two states of a zone, set by set: for sync (database and server) and for the replacement of records.
import { isServerType, type AnyRecordType, type DnsRecord, type RecordSet } from './types.ts';

interface SetDifference {
  readonly name: string;
  readonly type: AnyRecordType;
  readonly here: RecordSet;
  readonly server: RecordSet;
}

export interface ZoneDifference {
  readonly onlyHere: readonly RecordSet[];
  readonly onlyOnServer: readonly RecordSet[];
  readonly different: readonly SetDifference[];
}

const keyOf = ({ name, type }: Pick<RecordSet, 'name' | 'type'>): string => `${name} ${type}`;

/** The sets of enabled records, the server's own types left out. A set has the ttl of its first record. */
export function setsOf(records: readonly DnsRecord[]): RecordSet[] {
  const sets = new Map<string, { name: string; type: AnyRecordType; ttl: number; values: string[] }>();
  for (const { name, type, ttl, value, enabled } of records) {
    if (!enabled || isServerType(type)) continue;
    const set = sets.get(keyOf({ name, type }));
    if (set) set.values.push(value);
    else sets.set(keyOf({ name, type }), { name, type, ttl, values: [value] });
  }
  return [...sets.values()];
}

/** Whether two sets have the same ttl and the same values in any order. */
function isSameSet(one: RecordSet, other: RecordSet): boolean {
  const values = new Set(one.values);
  return (
    one.ttl === other.ttl &&
    values.size === new Set(other.values).size &&
    other.values.every((value) => values.has(value))
  );
}

/** What differs between the database and the server; names that match a pattern of `ignore` are left out. */
export function zoneDifference(
  here: readonly RecordSet[],
  server: readonly RecordSet[],
  ignore: readonly string[] = [],
): ZoneDifference {
  const isCompared = ({ name, type }: RecordSet): boolean => !isServerType(type) && !isIgnored(name, ignore);
  const there = new Map(server.filter(isCompared).map((set) => [keyOf(set), set]));
  const onlyHere: RecordSet[] = [];
  const different: SetDifference[] = [];
  for (const set of here.filter(isCompared)) {
    const other = there.get(keyOf(set));
    there.delete(keyOf(set));
    if (!other) onlyHere.push(set);
    else if (!isSameSet(set, other)) different.push({ name: set.name, type: set.type, here: set, server: other });
  }
  return { onlyHere, onlyOnServer: [...there.values()], different };
}

/** Whether an owner name matches one of some patterns, in which `*` stands for any run of characters. */
export const isIgnored = (name: string, patterns: readonly string[]): boolean =>
  patterns.some((pattern) => matches(name, pattern.toLowerCase().replace(/\.$/, '')));

/** Takes each piece between stars at its first place, which never has to be taken back. */
function matches(name: string, pattern: string): boolean {
  const [head = '', ...pieces] = pattern.split('*');
  if (pieces.length === 0) return name === head;
  const tail = pieces.pop() ?? '';
  if (!name.startsWith(head) || name.length < head.length + tail.length || !name.endsWith(tail)) return false;
  const end = name.length - tail.length;
  let at = head.length;
  for (const piece of pieces) {
    const found = name.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

interface Replacement<Present extends DnsRecord> {
  readonly added: readonly DnsRecord[];
  readonly removed: readonly Present[];
  /** Records that stay with another ttl. */
  readonly retimed: readonly { readonly record: Present; readonly ttl: number }[];
  /** What is there afterwards. */
  readonly outcome: readonly DnsRecord[];
}

/**
 * What makes the present records those that are wanted. `merge` keeps what is not wanted; `replace` removes it, but for
 * disabled records, which the wanted ones cannot name. A wanted record that is disabled is refused by the rules as there.
 */
export function replacement<Present extends DnsRecord>(
  present: readonly Present[],
  wanted: readonly DnsRecord[],
  mode: 'merge' | 'replace',
): Replacement<Present> {
  const valueKey = (record: DnsRecord): string => `${keyOf(record)} ${record.value}`;
  const ttls = new Map(wanted.map((record) => [keyOf(record), record.ttl]));
  const wantedKeys = new Set(wanted.map(valueKey));
  const served = present.filter(({ enabled }) => enabled);
  const servedKeys = new Set(served.map(valueKey));
  const stays = (record: Present): boolean => !record.enabled || mode === 'merge' || wantedKeys.has(valueKey(record));
  const kept = present.filter(stays);
  const retimed = kept.flatMap((record) => {
    const ttl = ttls.get(keyOf(record));
    return ttl === undefined || ttl === record.ttl ? [] : [{ record, ttl }];
  });
  const added = wanted.filter((record) => !servedKeys.has(valueKey(record)));
  const outcome = [...kept.map((record) => ({ ...record, ttl: ttls.get(keyOf(record)) ?? record.ttl })), ...added];
  return { added, removed: present.filter((record) => !stays(record)), retimed, outcome };
}
