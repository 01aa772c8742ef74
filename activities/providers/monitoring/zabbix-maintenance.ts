// Slipway's maintenance periods in Zabbix. They carry its name and a key, by which later calls find them. A period collects
// data and hides problems; it expires, so that hosts are monitored again soon if Slipway disappears. Zabbix uses whole
// minutes of its own clock.
import { z } from 'zod';
import { ProviderError } from '../error.ts';
import type { Monitoring } from './driver.ts';
import type { ZabbixRpc } from './zabbix-rpc.ts';

const prefix = 'slipway: ';
const minute = 60;
/** Begins in the past, so that a server whose clock is slightly behind activates it at once. */
const headStart = 5 * minute;
const shortest = 5 * minute;
const longestName = 128;
const atOnce = 200;

const periodShape = z.array(
  z.object({
    maintenanceid: z.string(),
    name: z.string(),
    active_since: z.coerce.number(),
    active_till: z.coerce.number(),
  }),
);
type Period = z.output<typeof periodShape>[number];

const hostShape = z.array(z.object({ hostid: z.string(), host: z.string() }));

const nameOf = (key: string): string => {
  const name = `${prefix}${key}`;
  if (name.length > longestName) throw new Error(`a key of a maintenance period is too long: ${key}`);
  return name;
};

async function find(rpc: ZabbixRpc, key: string): Promise<Period | undefined> {
  const params = { output: ['maintenanceid', 'name', 'active_since', 'active_till'], filter: { name: [nameOf(key)] } };
  return (await rpc.call('maintenance.get', params, periodShape))[0];
}

/** The active time in whole minutes of the epoch: never shorter than before, and at least Zabbix's minimum. */
function times(until: Date, now: Date, present: Period | undefined) {
  const nowSeconds = Math.floor(now.getTime() / 1000);
  const since = present?.active_since ?? Math.floor((nowSeconds - headStart) / minute) * minute;
  const asked = Math.ceil(until.getTime() / 1000 / minute) * minute;
  const till = Math.max(asked, since + shortest, present?.active_till ?? 0);
  return {
    active_since: since,
    active_till: till,
    timeperiods: [{ timeperiod_type: 0, start_date: since, period: till - since }],
  };
}

async function begin(
  rpc: ZabbixRpc,
  { key, reason, hosts, until }: Parameters<Monitoring['beginMaintenance']>[0],
): Promise<string[]> {
  const wanted = await rpc.call('host.get', { output: ['hostid', 'host'], filter: { host: [...hosts] } }, hostShape);
  const known = new Set(wanted.map(({ host }) => host));
  const unknown = hosts.filter((host) => !known.has(host));
  if (wanted.length === 0) return unknown;
  const ids = wanted.map(({ hostid }) => hostid);
  // 6.0 requires objects but also keeps ids, which 7.2 no longer accepts.
  const covered = (await rpc.version()) >= 600 ? { hosts: ids.map((hostid) => ({ hostid })) } : { hostids: ids };
  const put = async (present: Period | undefined): Promise<void> => {
    const period = { ...covered, ...times(until, new Date(), present) };
    if (present) await rpc.call('maintenance.update', { maintenanceid: present.maintenanceid, ...period }, z.unknown());
    else
      await rpc.call(
        'maintenance.create',
        { name: nameOf(key), description: reason, maintenance_type: 0, ...period },
        z.unknown(),
      );
  };
  await put(await find(rpc, key)).catch(async (error: unknown) => {
    // Another worker created it first.
    const other = error instanceof ProviderError && error.kind === 'refused' ? await find(rpc, key) : undefined;
    if (!other) throw error;
    await put(other);
  });
  return unknown;
}

async function end(rpc: ZabbixRpc, key: string): Promise<void> {
  const present = await find(rpc, key);
  if (present) await remove(rpc, [present.maintenanceid], () => find(rpc, key));
}

/** Removes periods, or accepts that another worker already has. */
async function remove(rpc: ZabbixRpc, ids: string[], again: () => Promise<unknown>): Promise<void> {
  await rpc.call('maintenance.delete', ids, z.unknown()).catch(async (error: unknown) => {
    if (!(error instanceof ProviderError) || error.kind !== 'refused' || (await again()) !== undefined) throw error;
  });
}

async function removeExpired(rpc: ZabbixRpc, before: Date): Promise<number> {
  const periods = await rpc.call(
    'maintenance.get',
    { output: ['maintenanceid', 'name', 'active_since', 'active_till'], search: { name: prefix }, startSearch: true },
    periodShape,
  );
  const old = periods
    .filter(({ name, active_till: till }) => name.startsWith(prefix) && till * 1000 < before.getTime())
    .slice(0, atOnce);
  for (const { maintenanceid, name } of old)
    await remove(rpc, [maintenanceid], () => find(rpc, name.slice(prefix.length)));
  return old.length;
}

/** The maintenance methods of a driver: begin, extend, end and clean up. */
export const createMaintenance = (
  rpc: ZabbixRpc,
): Pick<Monitoring, 'beginMaintenance' | 'endMaintenance' | 'removeExpired'> => ({
  beginMaintenance: (input) => begin(rpc, input),
  endMaintenance: (key) => end(rpc, key),
  removeExpired: (before) => removeExpired(rpc, before),
});
