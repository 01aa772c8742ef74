// Estates that are reached in one way or another, and their plans as people see them.
import { presentPlan } from '../../../db/deploy/tasks.ts';
import type { DeployPlan } from '../../../workflows/deploy/contract.ts';
import type { ApiResponse } from '../api/app.ts';
import { taskPath } from '../deploy/acts.ts';
import { memoryEstate } from '../deploy/memory-hosts.ts';
import type { Hosts } from '../deploy/memory-hosts.ts';
import type { Site, TestEstate } from '../world.ts';

interface Shown {
  plan_hash: string;
  unread: boolean;
  count: number;
  prev: string | null;
  next: string | null;
  package: { unread: string | null; repository: { credential: unknown } | null };
  instances: { instance: number; machine: object | null; hooks: Record<string, string>; health_url: string | null }[];
  hook_texts: Record<string, string>;
  changed_since_approval: string | null;
}

export const planned = async ({ manager }: TestEstate, id: number, query = ''): Promise<Shown> =>
  (await manager.get<Shown>(taskPath(id, `plan/${query}`))).body;

export const messageOf = ({ body }: ApiResponse): string => String(body['message']);

/** In the order of its instances. */
export async function hostIdsOf({ db }: Site, { instanceIds }: TestEstate): Promise<number[]> {
  const rows = await db.selectFrom('instances').select(['id', 'hostId']).where('id', 'in', instanceIds).execute();
  return instanceIds.map((id) => rows.find((row) => row.id === id)?.hostId ?? 0);
}

export interface HostSet {
  runner?: 'ssh' | 'salt';
  minionId?: string;
  ipAddress?: string;
}

export const changeHost = ({ db }: Site, id: number, set: HostSet) =>
  db.updateTable('hosts').set(set).where('id', '=', id).execute();

let addresses = 0;
export const anAddress = (): string => `10.78.${Math.floor((addresses += 1) / 250)}.${addresses % 250}`;
export const listed = (address: string): string => JSON.stringify([{ addr_type: 'PRIVATE', address }]);

/** An estate of hosts in memory; `last` and `name` are those of its last host. */
export async function reachedEstate(
  site: Site,
  hosts: Hosts,
  runner: 'ssh' | 'salt',
  count: number,
): Promise<{ estate: TestEstate; last: number; name: string }> {
  const estate = await memoryEstate(site, hosts, count);
  const ids = await hostIdsOf(site, estate);
  if (runner === 'ssh') for (const id of ids) await changeHost(site, id, { runner, ipAddress: listed(anAddress()) });
  return { estate, last: ids.at(-1) ?? 0, name: estate.hostnames.at(-1) ?? '' };
}

/** Puts the last instance of an estate on another host. */
export async function moveInstance({ db }: Site, { name, instanceIds }: TestEstate): Promise<void> {
  const { id } = await db
    .insertInto('hosts')
    .values({ name: `${name}-x`, hostType: 'PHY_HOST', runner: 'salt', status: 'attached', creator: 'test' })
    .returning('id')
    .executeTakeFirstOrThrow();
  const instance = instanceIds.at(-1) ?? 0;
  await db.updateTable('instances').set({ hostId: id }).where('id', '=', instance).execute();
}

/** Ids of the jobs that a host has been given. */
export const jobsOf = ({ world }: Hosts, name: string): string[] => [...(world.hosts.get(name)?.jobs.keys() ?? [])];

/** Whether a host is at the step where hosts get stuck. */
export const isAtWork = (hosts: Hosts, name: string): boolean =>
  jobsOf(hosts, name).some((job) => job.includes('-unpack-'));

/** Puts the plan of a task into the form that plans had before: texts with their instances, no machines, no credential. */
export async function asBefore({ db }: Site, id: number): Promise<DeployPlan> {
  const plan = await presentPlan(db, id, 1);
  if (!plan) throw new Error('the task has a plan');
  const { hook_texts: texts = {}, ...rest } = plan;
  const instances = plan.instances.map(({ machine: _, health_url: _url, ...instance }) => {
    const named = Object.entries(instance.hooks).map(([name, hash]) => [name, texts[hash]]);
    return { ...instance, hooks: Object.fromEntries(named) as Record<string, string> };
  });
  const former: DeployPlan = { ...rest, instances };
  await db
    .updateTable('deployPlans')
    .set({ plan: JSON.stringify(former), unread: null })
    .where('deployTaskId', '=', id)
    .execute();
  return former;
}
