// What records point to, and the rules about it: targets of MX and NS are no aliases (RFC 2181, 10.3), and BIND wants
// addresses for those inside the zone.
import { isWithin } from './labels.ts';
import type { Refusal } from './refusals.ts';
import type { DnsRecord } from './types.ts';
import { namesAbove, type ZoneIndex } from './zone-index.ts';

type Pointing = Pick<DnsRecord, 'type' | 'value'>;

const places: Readonly<Record<string, number>> = {
  CNAME: 0,
  NS: 0,
  PTR: 0,
  ALIAS: 0,
  DNAME: 0,
  MX: 1,
  SVCB: 1,
  HTTPS: 1,
  SRV: 3,
};

/** The name that a record points to; undefined for types without a target. `.` of NAPTR and others is returned as it is. */
export function targetOf({ type, value }: Pointing): string | undefined {
  if (type === 'NAPTR') return value.slice(value.lastIndexOf(' ') + 1);
  const place = Object.hasOwn(places, type) ? places[type] : undefined;
  return place === undefined ? undefined : value.split(' ', place + 1)[place];
}

/** A record's value with its target replaced; the value itself where it has none. */
export function withTarget({ type, value }: Pointing, target: string): string {
  const present = targetOf({ type, value });
  if (present === undefined) return value;
  if (type === 'NAPTR') return `${value.slice(0, value.lastIndexOf(' ') + 1)}${target}`;
  const words = value.split(' ');
  return words.with(places[type] ?? 0, target).join(' ');
}

/** A record of a domain that takes another name: its own name and a target inside the domain move along. */
export function renamed(record: DnsRecord, from: string, to: string): DnsRecord {
  const moved = (name: string): string => (name === from ? to : `${name.slice(0, -from.length)}${to}`);
  const target = targetOf(record);
  const value = target !== undefined && isWithin(target, from) ? withTarget(record, moved(target)) : record.value;
  return { ...record, name: moved(record.name), value };
}

const needsHost = ({ type }: Pointing): boolean => type === 'MX' || type === 'NS';

/** Refuses an MX or NS whose target is an alias. `isAlias`: whether an enabled CNAME of the server is at a name. */
export function checkTargetIsHost(record: Pointing, isAlias: (name: string) => boolean): Refusal | null {
  const target = targetOf(record);
  if (!needsHost(record) || target === undefined || target === '.' || !isAlias(target)) return null;
  return { field: 'value', rule: 'target_alias', params: { target } };
}

/** Refuses a CNAME at a name that enabled records of the server use as a host. `users`: records of the server. */
export function checkAliasIsNoTarget(name: string, users: readonly DnsRecord[]): Refusal | null {
  const user = users.find((one) => one.enabled && needsHost(one) && targetOf(one) === name);
  return user ? { field: 'name', rule: 'alias_of_target', params: { name, other: user.type, owner: user.name } } : null;
}

const hasAddress = (zone: ZoneIndex, name: string): boolean =>
  zone.at(name).some(({ type, enabled }) => enabled && (type === 'A' || type === 'AAAA'));

const isDelegated = (zone: ZoneIndex, name: string): boolean =>
  [name, ...namesAbove(name, zone.domain)].some(
    (one) => one !== zone.domain && zone.at(one).some(({ type, enabled }) => enabled && type === 'NS'),
  );

/** Whether a name of the zone resolves to addresses, by a wildcard too (RFC 4592); what is delegated is not judged. */
function resolvesInZone(zone: ZoneIndex, name: string): boolean {
  if (hasAddress(zone, name) || isDelegated(zone, name)) return true;
  for (let at = name; at !== zone.domain && isWithin(at, zone.domain); at = at.slice(at.indexOf('.') + 1)) {
    if (zone.at(at).length > 0 || zone.below(at).length > 0) return false;
    if (hasAddress(zone, `*.${at.slice(at.indexOf('.') + 1)}`)) return true;
  }
  return false;
}

/** Refuses, for BIND, an MX or an apex NS whose target is a name of the zone without address. */
export function checkTargetResolves(record: DnsRecord, zone: ZoneIndex): Refusal | null {
  const target = targetOf(record);
  const isJudged = record.type === 'MX' || (record.type === 'NS' && record.name === zone.domain);
  if (!isJudged || target === undefined || target === '.' || !isWithin(target, zone.domain)) return null;
  if (resolvesInZone(zone, target)) return null;
  return { field: 'value', rule: 'target_unresolved', params: { target } };
}
