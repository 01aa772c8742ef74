// A DNS server in memory for tests and benchmarks of what lies above the drivers. A world outlives its drivers; it counts
// calls, injects failures, and keeps the rules by which both real servers refuse records.
import type { Soa } from '../../../kit/dns/types.ts';
import type {
  ChangeOutcome,
  DnsDriver,
  NewZone,
  ServerSet,
  SetChange,
  ZoneDnssec,
  ZoneInfo,
  ZoneKind,
} from './driver.ts';
import {
  DnsNotAppliedError,
  DnsSetsDifferError,
  DnsZoneExistsError,
  DnsZoneMissingError,
  DnsZonesFixedError,
} from './errors.ts';
import type { DnsError } from './errors.ts';
import { toPresentation } from '../../../kit/dns/rdata.ts';
import { isEmptySet, keyOf, standing } from './sets.ts';

type Method = Exclude<keyof DnsDriver, 'server' | 'keepsDisabled'>;

interface MemoryZone {
  kind: ZoneKind;
  dnssec: ZoneDnssec;
  soa: Soa;
  soaTtl: number;
  /** By name and type. */
  sets: Map<string, ServerSet>;
}

interface DnsWorld {
  zones: Map<string, MemoryZone>;
  keepsDisabled: boolean;
  canCreateZones: boolean;
  /** Null from `zones`. */
  listsZones: boolean;
  servesAlias: boolean;
  /** Sets that the server passes over, as BIND does: by name and type. */
  passesOver: Set<string>;
  calls: Partial<Record<Method, number>>;
  /** Thrown before any effect. */
  failure: ((method: Method) => DnsError | undefined) | null;
  /** Thrown after the effect, like a connection lost before the answer. */
  failureAfter: ((method: Method) => DnsError | undefined) | null;
}

export const createDnsWorld = (settings: Partial<DnsWorld> = {}): DnsWorld => ({
  zones: new Map(),
  keepsDisabled: true,
  canCreateZones: true,
  listsZones: true,
  servesAlias: false,
  passesOver: new Set(),
  calls: {},
  failure: null,
  failureAfter: null,
  ...settings,
});

const bySet = (sets: readonly ServerSet[]): Map<string, ServerSet> =>
  new Map(sets.filter((set) => !isEmptySet(set)).map((set) => [keyOf(set), set]));

/** Changes a zone behind the back of Slipway; null removes the set. */
export function writeBehind(
  world: DnsWorld,
  zone: string,
  set: ServerSet | { name: string; type: string; removed: true },
) {
  const held = world.zones.get(zone);
  if (!held) return;
  if ('removed' in set) held.sets.delete(keyOf(set));
  else held.sets.set(keyOf(set), set);
  held.soa = { ...held.soa, serial: held.soa.serial + 1 };
}

/** Creates a driver over the world; each stands for another worker. */
export function createMemoryDns(world: DnsWorld, server = 'memory'): DnsDriver {
  const call = async <T>(method: Method, work: () => T): Promise<T> => {
    world.calls[method] = (world.calls[method] ?? 0) + 1;
    const before = world.failure?.(method);
    if (before) throw before;
    const answer = work();
    const after = world.failureAfter?.(method);
    if (after) throw after;
    return answer;
  };
  const held = (zone: string): MemoryZone => {
    const found = world.zones.get(zone);
    if (!found) throw new DnsZoneMissingError(server, zone);
    return found;
  };
  return {
    server,
    keepsDisabled: world.keepsDisabled,
    check: () => call('check', () => ({ version: 'memory', canCreateZones: world.canCreateZones, detail: '' })),
    zones: () =>
      call('zones', () => (world.listsZones ? [...world.zones.keys()].map((name) => infoOf(name, held(name))) : null)),
    zone: (name) => call('zone', () => infoOf(name, held(name))),
    soa: (zone) => call('soa', () => held(zone).soa),
    read: (zone) => call('read', () => ({ soa: held(zone).soa, sets: [...held(zone).sets.values()] })),
    readSets: (zone, keys) => call('readSets', () => keys.flatMap((key) => held(zone).sets.get(keyOf(key)) ?? [])),
    change: (zone, changes) => call('change', () => carryOut(world, server, held(zone), changes)),
    createZone: (wish) => call('createZone', () => create(world, server, wish)),
    removable: () => call('removable', () => world.canCreateZones || 'zones cannot be removed there'),
    deleteZone: (name) => call('deleteZone', () => void world.zones.delete(name)),
    zoneFile: (zone) => call('zoneFile', () => printed(zone, held(zone))),
    servesAlias: () => call('servesAlias', () => world.servesAlias),
  };
}

const infoOf = (name: string, { kind, dnssec, soa }: MemoryZone): ZoneInfo => ({
  name,
  kind,
  dnssec,
  serial: soa.serial,
});

function create(world: DnsWorld, server: string, { name, soa, soaTtl, sets }: NewZone): void {
  if (!world.canCreateZones) throw new DnsZonesFixedError(server, 'zones cannot be created there');
  if (world.zones.has(name)) throw new DnsZoneExistsError(server, name);
  const made = { kind: 'primary', dnssec: 'unsigned', soaTtl, soa: { ...soa, serial: 1 }, sets: bySet(sets) } as const;
  world.zones.set(name, made);
}

function carryOut(world: DnsWorld, server: string, zone: MemoryZone, changes: readonly SetChange[]): ChangeOutcome {
  const found = standing(changes, [...zone.sets.values()]);
  if (found.state === 'as_after') return { serial: zone.soa.serial, effect: 'already' };
  if (found.state === 'other') throw new DnsSetsDifferError(server, found.sets);
  const passed = changes.filter((one) => world.passesOver.has(keyOf(one)));
  if (passed.length > 0)
    throw new DnsNotAppliedError(
      server,
      passed.map(({ name, type }) => ({ name, type })),
      true,
    );
  for (const change of changes) {
    if (change.after === null || isEmptySet(change.after)) zone.sets.delete(keyOf(change));
    else zone.sets.set(keyOf(change), change.after);
  }
  zone.soa = { ...zone.soa, serial: zone.soa.serial + 1 };
  return { serial: zone.soa.serial, effect: 'changed' };
}

function printed(name: string, { soa, soaTtl, sets }: MemoryZone): string {
  const dotted = (text: string): string => (text === '.' ? text : `${text}.`);
  const { mname, rname, serial, refresh, retry, expire, minimum } = soa;
  const first = `${dotted(name)}\t${soaTtl}\tIN\tSOA\t${dotted(mname)} ${dotted(rname)} ${serial} ${refresh} ${retry} ${expire} ${minimum}`;
  const lines = [...sets.values()].flatMap((set) =>
    set.values.map((value) => `${dotted(set.name)}\t${set.ttl}\tIN\t${set.type}\t${toPresentation(set.type, value)}`),
  );
  return `${[first, ...lines].join('\n')}\n`;
}
