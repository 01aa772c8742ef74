// The records of a zone, or of that part of it that a change touches, by name. Rules look at what a change leaves behind, so
// they are given the outcome and not the steps.
import { isWithin, parentOf } from './labels.ts';
import type { DnsRecord } from './types.ts';

export interface ZoneIndex {
  readonly domain: string;
  readonly size: number;
  /** Records of a name, disabled ones too. */
  at(name: string): readonly DnsRecord[];
  /** Names strictly below a name that have records. */
  below(name: string): readonly string[];
}

/** Indexes records; linear in their number and the depth of their names. */
export function zoneIndex(domain: string, records: readonly DnsRecord[]): ZoneIndex {
  const byName = new Map<string, DnsRecord[]>();
  for (const record of records) {
    const there = byName.get(record.name);
    if (there) there.push(record);
    else byName.set(record.name, [record]);
  }
  let children: Map<string, string[]> | undefined;
  return {
    domain,
    size: records.length,
    at: (name) => byName.get(name) ?? [],
    below(name) {
      children ??= namesBelow(domain, byName.keys());
      return children.get(name) ?? [];
    },
  };
}

function namesBelow(domain: string, names: Iterable<string>): Map<string, string[]> {
  const below = new Map<string, string[]>();
  for (const name of names) {
    for (const above of namesAbove(name, domain)) {
      const there = below.get(above);
      if (there) there.push(name);
      else below.set(above, [name]);
    }
  }
  return below;
}

/** The names between a name and its domain, nearest first, neither of them included. */
export function namesAbove(name: string, domain: string): string[] {
  const names: string[] = [];
  for (let above = parentOf(name); above !== undefined; above = parentOf(above)) {
    if (above === domain || !isWithin(above, domain)) break;
    names.push(above);
  }
  return names;
}

/** The longest of some domains that holds a name. */
export function longestDomain(name: string, domains: ReadonlySet<string>): string | undefined {
  for (let at: string | undefined = name; at !== undefined; at = parentOf(at)) if (domains.has(at)) return at;
  return undefined;
}
