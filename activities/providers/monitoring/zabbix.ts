// Zabbix by its API. Looks up every name before changing anything, makes each change in one atomic call, and returns values
// read back. Written against 6.0; differences of other versions are in `dialectOf` and in the client.
import { isIP } from 'node:net';
import { z } from 'zod';
import { zabbixSeverities } from '../../../kit/config/settings.ts';
import { ProviderError, refused } from '../error.ts';
import { UnknownTemplateError } from './driver.ts';
import type { Monitored, MonitoredHost, Monitoring, MonitoringOptions } from './driver.ts';
import { createMaintenance } from './zabbix-maintenance.ts';
import { createZabbixRpc, provider } from './zabbix-rpc.ts';
import type { ZabbixAccess, ZabbixRpc } from './zabbix-rpc.ts';

type ZabbixSeverity = (typeof zabbixSeverities)[number];

export interface ZabbixOptions extends ZabbixAccess {
  /** Group of hosts without one, as Zabbix requires a group. */
  defaultGroup: string;
  /** Lowest severity that counts. */
  minSeverity: ZabbixSeverity;
}

const monitored = '0';
const unmonitored = '1';
const agentPort = '10050';
/** Hosts per query for problems. */
const chunk = 500;

const hostShape = z.array(
  z
    .object({
      hostid: z.string(),
      host: z.string(),
      status: z.string(),
      groups: z.array(z.object({ name: z.string() })).optional(),
      hostgroups: z.array(z.object({ name: z.string() })).optional(),
      parentTemplates: z.array(z.object({ name: z.string() })),
    })
    .transform(({ groups, hostgroups, parentTemplates, ...host }) => ({
      ...host,
      groups: (hostgroups ?? groups ?? []).map(({ name }) => name).sort(),
      templates: parentTemplates.map(({ name }) => name).sort(),
    })),
);
const groupShape = z.array(z.object({ groupid: z.string(), name: z.string() }));
const templateShape = z.array(z.object({ templateid: z.string(), host: z.string(), name: z.string() }));
const triggerShape = z.array(z.object({ description: z.string(), hosts: z.array(z.object({ host: z.string() })) }));

/** Since 6.2 host groups and template groups are distinct. */
const dialectOf = (version: number) => ({ selectGroups: version >= 602 ? 'selectHostGroups' : 'selectGroups' });

type FoundHost = z.output<typeof hostShape>[number];

async function findHost(rpc: ZabbixRpc, name: string): Promise<FoundHost | undefined> {
  const { selectGroups } = dialectOf(await rpc.version());
  const found = await rpc.call(
    'host.get',
    {
      output: ['hostid', 'host', 'status'],
      filter: { host: [name] },
      [selectGroups]: ['name'],
      selectParentTemplates: ['name'],
    },
    hostShape,
  );
  return found[0];
}

async function groupIds(rpc: ZabbixRpc, names: readonly string[]): Promise<{ groupid: string }[]> {
  const params = { output: ['groupid', 'name'], filter: { name: names } };
  const found = new Map((await rpc.call('hostgroup.get', params, groupShape)).map((one) => [one.name, one.groupid]));
  return names.map((name) => {
    const groupid = found.get(name);
    if (groupid === undefined) throw new UnknownTemplateError('group', name);
    return { groupid };
  });
}

/** Finds templates by visible or technical name. */
async function templateIds(rpc: ZabbixRpc, names: readonly string[]): Promise<{ templateid: string }[]> {
  if (names.length === 0) return [];
  const filter = { host: names, name: names };
  const params = { output: ['templateid', 'host', 'name'], filter, searchByAny: true };
  const found = await rpc.call('template.get', params, templateShape);
  const ids = names.map((name) => {
    const one = found.find((template) => template.name === name) ?? found.find(({ host }) => host === name);
    if (one === undefined) throw new UnknownTemplateError('template', name);
    return one.templateid;
  });
  return [...new Set(ids)].map((templateid) => ({ templateid }));
}

/** Uses the first address, else the host's name. */
function agentInterface({ name, addresses: [address] }: MonitoredHost): object {
  const byAddress = address !== undefined && isIP(address) !== 0;
  const at = byAddress ? { useip: 1, ip: address, dns: '' } : { useip: 0, ip: '', dns: address ?? name };
  return { type: 1, main: 1, port: agentPort, ...at };
}

async function ensureHost(
  rpc: ZabbixRpc,
  defaultGroup: string,
  host: MonitoredHost,
  options: MonitoringOptions,
): Promise<Monitored> {
  const groups = options.groups?.length === 0 ? [defaultGroup] : options.groups;
  const wanted = {
    ...(groups && { groups: await groupIds(rpc, groups) }),
    ...(options.templates && { templates: await templateIds(rpc, options.templates) }),
  };
  const present = (await findHost(rpc, host.name)) ?? (await create());
  if (present !== 'created') {
    const enabling = present.status === unmonitored ? { status: monitored } : {};
    const changes = { ...wanted, ...enabling };
    if (Object.keys(changes).length > 0)
      await rpc.call('host.update', { hostid: present.hostid, ...changes }, z.unknown());
  }
  const confirmed = await findHost(rpc, host.name);
  if (!confirmed) throw refused(provider, `Zabbix does not show the host ${host.name} to this user`);
  return { groups: confirmed.groups, templates: confirmed.templates };

  async function create(): Promise<'created' | FoundHost> {
    const made = { host: host.name, interfaces: [agentInterface(host)], ...wanted };
    try {
      await rpc.call(
        'host.create',
        { ...made, groups: wanted.groups ?? (await groupIds(rpc, [defaultGroup])) },
        z.unknown(),
      );
      return 'created';
    } catch (error) {
      // Another worker created it first.
      const other =
        error instanceof ProviderError && error.kind === 'refused' ? await findHost(rpc, host.name) : undefined;
      if (other) return other;
      throw error;
    }
  }
}

/** By trigger state, as maintenance hides problems and hosts are checked right after their own period. */
async function openProblems(rpc: ZabbixRpc, hosts: readonly string[], minSeverity: ZabbixSeverity) {
  const problems = new Map<string, string[]>();
  for (let from = 0; from < hosts.length; from += chunk) {
    const names = hosts.slice(from, from + chunk);
    const found = await rpc.call('host.get', { output: ['hostid', 'host'], filter: { host: names } }, hostIdShape);
    if (found.length === 0) continue;
    const asked = new Set(names);
    const triggers = await rpc.call(
      'trigger.get',
      {
        output: ['description'],
        hostids: found.map(({ hostid }) => hostid),
        selectHosts: ['host'],
        filter: { value: 1 },
        monitored: true,
        skipDependent: true,
        expandDescription: true,
        min_severity: zabbixSeverities.indexOf(minSeverity),
        sortfield: 'description',
      },
      triggerShape,
    );
    for (const { description, hosts: concerned } of triggers)
      for (const { host } of concerned)
        if (asked.has(host)) problems.set(host, [...(problems.get(host) ?? []), description]);
  }
  return problems;
}

const hostIdShape = z.array(z.object({ hostid: z.string(), host: z.string() }));

/** Creates the driver of one Zabbix. An existing host keeps its interfaces and its visible name. */
export function createZabbix({ defaultGroup, minSeverity, ...access }: ZabbixOptions): Monitoring {
  const rpc = createZabbixRpc(access);
  return {
    name: 'Zabbix',
    ensureHost: (host, options) => ensureHost(rpc, defaultGroup, host, options),
    ...createMaintenance(rpc),
    async disableHost(name) {
      const host = await findHost(rpc, name);
      if (host?.status === monitored)
        await rpc.call('host.update', { hostid: host.hostid, status: unmonitored }, z.unknown());
    },
    openProblems: (hosts) => openProblems(rpc, hosts, minSeverity),
  };
}
