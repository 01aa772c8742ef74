// What the double of Zabbix knows and does, method by method.

export type Params = Record<string, unknown>;
type Method = (params: Params) => unknown;

/** `code`, `message` and `data` of a JSON-RPC error. */
export class RpcError extends Error {
  readonly code: number;
  readonly data: string;

  constructor(code: number, message: string, data: string) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

interface DoubleHost {
  hostid: string;
  host: string;
  status: string;
  groups: string[];
  templates: string[];
  interfaces: unknown;
  problems: { description: string; priority: number }[];
}

interface DoublePeriod {
  maintenanceid: string;
  name: string;
  active_since: string;
  active_till: string;
  hostids: string[];
}

export interface ZabbixState {
  /** Names by id. */
  groups: Map<string, string>;
  templates: Map<string, string>;
  hosts: Map<string, DoubleHost>;
  periods: Map<string, DoublePeriod>;
}

const refuse = (data: string): never => {
  throw new RpcError(-32602, 'Invalid params.', data);
};
const unexpected = (name: string): never => refuse(`Invalid parameter "/": unexpected parameter "${name}".`);

/** The names that a filter lets through; `searchByAny`: those of any of its fields. */
const filtered = (params: Params, field: string): string[] =>
  ((params['filter'] as Record<string, string[]> | undefined)?.[field] ?? []).map(String);

const ids = (list: unknown, field: string): string[] =>
  (list as Record<string, string>[]).map((one) => one[field] ?? refuse(`Invalid parameter: "${field}" is missing.`));

function known(of: ReadonlyMap<string, unknown>, wanted: readonly string[]): string[] {
  if (!wanted.every((id) => of.has(id))) refuse('No permissions to referred object or it does not exist!');
  return [...wanted];
}

/** An empty Zabbix of a release (604 is 6.4) and its methods. */
export function createMethods(release: number): { state: ZabbixState; methods: Record<string, Method> } {
  const state: ZabbixState = { groups: new Map(), templates: new Map(), hosts: new Map(), periods: new Map() };
  let last = 10_000;
  const next = (): string => String((last += 1));
  return {
    state,
    methods: { ...lists(state), ...hostMethods(state, release, next), ...periodMethods(state, release, next) },
  };
}

const lists = ({ groups, templates, hosts }: ZabbixState): Record<string, Method> => ({
  'hostgroup.get': (params) =>
    [...groups]
      .filter(([, name]) => filtered(params, 'name').includes(name))
      .map(([groupid, name]) => ({ groupid, name })),
  'template.get': (params) => {
    if (params['searchByAny'] !== true) refuse('both names would have to match');
    const wanted = filtered(params, 'name');
    return [...templates]
      .filter(([, name]) => wanted.includes(name))
      .map(([templateid, name]) => ({ templateid, name, host: name }));
  },
  'trigger.get': (params) => {
    if ((params['filter'] as { value?: number }).value !== 1) refuse('triggers in every state');
    const wanted = params['hostids'] as string[];
    return [...hosts.values()]
      .filter(({ hostid, status }) => wanted.includes(hostid) && status === '0')
      .flatMap(({ host, problems }) =>
        problems
          .filter(({ priority }) => priority >= Number(params['min_severity']))
          .map(({ description }) => ({ triggerid: '1', description, hosts: [{ host }] })),
      );
  },
});

function hostMethods(state: ZabbixState, release: number, next: () => string): Record<string, Method> {
  const { hosts, groups, templates } = state;
  const named = (of: Map<string, string>, list: string[]) => list.map((id) => ({ name: of.get(id) ?? '' }));
  const checked = ({ groups: inGroups, templates: linked }: Params) => {
    const wanted = {
      ...(inGroups !== undefined && { groups: known(groups, ids(inGroups, 'groupid')) }),
      ...(linked !== undefined && { templates: known(templates, ids(linked, 'templateid')) }),
    };
    if (wanted.groups?.length === 0) refuse('Host cannot be without host group.');
    return wanted;
  };
  return {
    'host.get': (params) => {
      if (release >= 702 && 'selectGroups' in params) unexpected('selectGroups');
      const wanted = filtered(params, 'host');
      const groupField = release >= 602 && 'selectHostGroups' in params ? 'hostgroups' : 'groups';
      const selects = 'selectGroups' in params || groupField === 'hostgroups';
      return [...hosts.values()]
        .filter(({ host }) => wanted.includes(host))
        .map((one) => ({
          hostid: one.hostid,
          host: one.host,
          status: one.status,
          ...(selects && { [groupField]: named(groups, one.groups) }),
          ...('selectParentTemplates' in params && { parentTemplates: named(templates, one.templates) }),
        }));
    },
    'host.create': (params) => {
      const host = String(params['host']);
      if (!/^[\w. -]+$/.test(host)) refuse('Incorrect characters used for host name');
      if ([...hosts.values()].some((one) => one.host === host))
        refuse(`Host with the same name "${host}" already exists.`);
      const { groups: inGroups, templates: linked = [] } = checked(params);
      if (!inGroups) throw new RpcError(-32602, 'Invalid params.', 'Host cannot be without host group.');
      const hostid = next();
      const { interfaces } = params;
      hosts.set(hostid, { hostid, host, status: '0', groups: inGroups, templates: linked, interfaces, problems: [] });
      return { hostids: [hostid] };
    },
    'host.update': (params) => {
      const host = hosts.get(String(params['hostid']));
      if (!host) return refuse('No permissions to referred object or it does not exist!');
      const status = params['status'] === undefined ? {} : { status: params['status'] as string };
      Object.assign(host, checked(params), status);
      return { hostids: [host.hostid] };
    },
  };
}

function periodMethods({ hosts, periods }: ZabbixState, release: number, next: () => string): Record<string, Method> {
  const covered = (params: Params): string[] => {
    if (release < 600 && 'hosts' in params) unexpected('hosts');
    if (release >= 702 && 'hostids' in params) unexpected('hostids');
    const wanted = 'hosts' in params ? ids(params['hosts'], 'hostid') : (params['hostids'] as string[]);
    return known(hosts, wanted);
  };
  const times = (params: Params) => {
    const [since, till] = [Number(params['active_since']), Number(params['active_till'])];
    const [one] = params['timeperiods'] as { start_date: number; period: number }[];
    if (till <= since || !one || one.period < 300) refuse('Incorrect value for field "period".');
    return { active_since: String(since), active_till: String(till) };
  };
  return {
    'maintenance.get': (params) => {
      const wanted = filtered(params, 'name');
      const prefix = (params['search'] as { name?: string } | undefined)?.name;
      return [...periods.values()]
        .filter(({ name }) => (prefix === undefined ? wanted.includes(name) : name.startsWith(prefix)))
        .map(({ hostids, ...one }) => one);
    },
    'maintenance.create': (params) => {
      const name = String(params['name']);
      if ([...periods.values()].some((one) => one.name === name)) refuse(`Maintenance "${name}" already exists.`);
      const maintenanceid = next();
      periods.set(maintenanceid, { maintenanceid, name, hostids: covered(params), ...times(params) });
      return { maintenanceids: [maintenanceid] };
    },
    'maintenance.update': (params) => {
      const period = periods.get(String(params['maintenanceid']));
      if (!period) return refuse('No permissions to referred object or it does not exist!');
      Object.assign(period, { hostids: covered(params), ...times(params) });
      return { maintenanceids: [period.maintenanceid] };
    },
    'maintenance.delete': (params) => {
      const wanted = params as unknown as string[];
      for (const id of known(periods, wanted)) periods.delete(id);
      return { maintenanceids: wanted };
    },
  };
}
