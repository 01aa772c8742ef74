// An in-memory monitoring system for tests and benchmarks, with the same contract and no network. A world outlives its
// drivers; it counts calls and injects failures.
import type { ProviderError } from '../error.ts';
import {
  UnknownTemplateError,
  type Monitored,
  type MonitoredHost,
  type Monitoring,
  type MonitoringOptions,
} from './driver.ts';

type Method = Exclude<keyof Monitoring, 'name'>;

interface MonitoredEntry extends Monitored {
  enabled: boolean;
  addresses: readonly string[];
  problems: string[];
}

export interface MonitoringWorld {
  groups: Set<string>;
  templates: Set<string>;
  /** The group of a host created without groups. */
  defaultGroup: string;
  hosts: Map<string, MonitoredEntry>;
  /** By key. */
  maintenance: Map<string, { hosts: string[]; until: Date; reason: string }>;
  /** Every period ever begun or extended, in order. */
  begun: { key: string; hosts: string[]; until: Date }[];
  /** Calls by method name. */
  calls: Partial<Record<Method, number>>;
  /** Thrown before any effect. */
  failure: ((method: Method) => ProviderError | undefined) | null;
  /** Thrown after the effect, like a connection lost before the response. */
  failureAfter: ((method: Method) => ProviderError | undefined) | null;
}

/** Creates a world with these names. */
export const createMonitoringWorld = ({ groups = [], templates = [] }: Partial<Monitored> = {}): MonitoringWorld => ({
  groups: new Set(['Discovered hosts', ...groups]),
  templates: new Set(templates),
  defaultGroup: 'Discovered hosts',
  hosts: new Map(),
  maintenance: new Map(),
  begun: [],
  calls: {},
  failure: null,
  failureAfter: null,
});

class MemoryMonitoring implements Monitoring {
  readonly name = 'Memory monitoring';
  readonly #world: MonitoringWorld;

  constructor(world: MonitoringWorld) {
    this.#world = world;
  }

  #call<T>(method: Method, work: (world: MonitoringWorld) => T): T {
    const world = this.#world;
    world.calls[method] = (world.calls[method] ?? 0) + 1;
    const before = world.failure?.(method);
    if (before) throw before;
    const answer = work(world);
    const after = world.failureAfter?.(method);
    if (after) throw after;
    return answer;
  }

  async ensureHost({ name, addresses }: MonitoredHost, { groups, templates }: MonitoringOptions): Promise<Monitored> {
    return this.#call('ensureHost', (world) => {
      const missingTemplate = templates?.find((one) => !world.templates.has(one));
      if (missingTemplate !== undefined) throw new UnknownTemplateError('template', missingTemplate);
      const missingGroup = groups?.find((one) => !world.groups.has(one));
      if (missingGroup !== undefined) throw new UnknownTemplateError('group', missingGroup);
      const before = world.hosts.get(name);
      const wantedGroups = groups && groups.length > 0 ? groups : undefined;
      const entry: MonitoredEntry = {
        groups: [...(wantedGroups ?? before?.groups ?? [world.defaultGroup])].sort(),
        templates: [...(templates ?? before?.templates ?? [])].sort(),
        enabled: true,
        addresses,
        problems: before?.problems ?? [],
      };
      world.hosts.set(name, entry);
      return { groups: entry.groups, templates: entry.templates };
    });
  }

  async beginMaintenance({ key, reason, hosts, until }: Parameters<Monitoring['beginMaintenance']>[0]) {
    return this.#call('beginMaintenance', (world) => {
      const known = hosts.filter((name) => world.hosts.has(name));
      if (known.length > 0) {
        const before = world.maintenance.get(key)?.until ?? until;
        world.maintenance.set(key, { hosts: known, until: before > until ? before : until, reason });
        world.begun.push({ key, hosts: known, until });
      }
      return hosts.filter((name) => !world.hosts.has(name));
    });
  }

  async endMaintenance(key: string): Promise<void> {
    this.#call('endMaintenance', ({ maintenance }) => maintenance.delete(key));
  }

  async removeExpired(before: Date): Promise<number> {
    return this.#call('removeExpired', ({ maintenance }) => {
      const old = [...maintenance].filter(([, { until }]) => until < before);
      for (const [key] of old) maintenance.delete(key);
      return old.length;
    });
  }

  async disableHost(name: string): Promise<void> {
    this.#call('disableHost', ({ hosts }) => {
      const entry = hosts.get(name);
      if (entry) entry.enabled = false;
    });
  }

  async openProblems(names: readonly string[]): Promise<Map<string, string[]>> {
    return this.#call('openProblems', ({ hosts }) => {
      const found = names.map((name) => [name, hosts.get(name)?.problems ?? []] as const);
      return new Map(found.filter(([, problems]) => problems.length > 0).map(([name, some]) => [name, [...some]]));
    });
  }
}

/** Creates a driver over the world; each represents another worker. */
export const createMemoryMonitoring = (world: MonitoringWorld): Monitoring => new MemoryMonitoring(world);
