// A Slipway whose hosts are machines of in-memory clouds, with an in-memory runner on them: a fleet for tests of host tasks.
import { addMachine, createCloudWorld, createMemoryCloud } from '../../../activities/providers/cloud/memory.ts';
import type { CloudWorld } from '../../../activities/providers/cloud/memory.ts';
import { createMemoryMonitoring, createMonitoringWorld } from '../../../activities/providers/monitoring/memory.ts';
import type { MonitoringWorld } from '../../../activities/providers/monitoring/memory.ts';
import { createMemoryRunner, createMemoryWorld } from '../../../activities/providers/runner/memory.ts';
import type { MemoryWorld } from '../../../activities/providers/runner/memory.ts';
import { unavailable } from '../../../activities/providers/error.ts';
import type { HostStatus, HostType, OsStatus, RunnerName } from '../../../workflows/hosts/contract.ts';
import { admitHosts } from '../api/app.ts';
import type { TestUser } from '../api/app.ts';
import { eventually, unique } from '../harness.ts';
import { testWorld } from '../world.ts';
import type { World, WorldOptions } from '../world.ts';

export interface FleetWorld extends World {
  cloud: CloudWorld;
  minions: MemoryWorld;
  zabbix: MonitoringWorld;
  admin: TestUser;
}

interface FleetOptions extends WorldOptions {
  /** Seconds; 600 by default. */
  patience?: number;
}

const tencent = {
  SLIPWAY_TENCENT_SECRET_ID: 'id',
  SLIPWAY_TENCENT_SECRET_KEY: 'key',
  SLIPWAY_TENCENT_REGIONS: 'memory-1',
};

export const monitored = { zabbixUrl: 'http://zabbix.example.com' };

/** A fleet without hosts; Tencent's machines and Salt are configured, Zabbix is when `settings` say so. */
export async function testFleet({ patience = 600, settings = {}, ...options }: FleetOptions = {}): Promise<FleetWorld> {
  const [cloud, minions] = [createCloudWorld(), createMemoryWorld()];
  const zabbix = createMonitoringWorld({ groups: ['web', 'all'], templates: ['Linux', 'Nginx'] });
  const watches = 'zabbixUrl' in settings;
  const world = await testWorld({
    ...options,
    env: { ...tencent, SLIPWAY_HOST_PATIENCE_SECONDS: String(patience), SLIPWAY_HOST_SILENCE_SECONDS: '1' },
    settings: { saltUrl: 'http://salt.example.com', ...settings },
    providers: {
      runners: { salt: createMemoryRunner(minions) },
      clouds: { TECENT_CVM: createMemoryCloud(cloud) },
      monitoring: watches ? createMemoryMonitoring(zabbix) : null,
      ...options.providers,
    },
  });
  return { ...world, cloud, minions, zabbix, admin: await world.user({ admin: true }) };
}

interface Wish {
  os?: OsStatus | null;
  status?: HostStatus;
  type?: HostType;
  runner?: RunnerName;
  /** Whether its runner responds. */
  minion?: boolean;
}

export interface FleetHost {
  id: number;
  name: string;
}

/** A host with its machine, and a minion on it unless the wish says otherwise. */
export async function aMachine(
  { db, cloud, minions }: FleetWorld,
  { os = 'running', status = 'inited', type = 'TECENT_CVM', runner = 'salt', minion = os === 'running' }: Wish = {},
): Promise<FleetHost> {
  const name = `m-${unique()}`;
  const { id } = await db
    .insertInto('hosts')
    .values({
      name,
      hostType: type,
      osStatus: os,
      status,
      runner,
      creator: 'test',
      providerId: type === 'PHY_HOST' ? null : name,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  await admitHosts(db, [id]);
  addMachine(cloud, { id: name, state: os === 'stopped' ? 'stopped' : 'running', hostId: id });
  if (minion && runner === 'salt') await createMemoryRunner(minions).prepare({ name, runner: 'salt', address: null });
  return { id, name };
}

/** Several hosts. */
export const machines = (fleet: FleetWorld, count: number, wish: Wish = {}): Promise<FleetHost[]> =>
  Promise.all(Array.from({ length: count }, () => aMachine(fleet, wish)));

/** Makes a minion answer while its machine runs only. */
export function tieMinions({ cloud, minions }: FleetWorld): void {
  minions.failure = (_method, host) =>
    cloud.machines.get(host)?.state === 'running' ? undefined : unavailable('salt', `${host} does not answer`);
}

export interface HostResult {
  host: number;
  hostname: string;
  status: string;
  error_code: number | null;
  message: string | null;
  started: string | null;
  finished: string | null;
}

export interface HostTask {
  id: number;
  status: string;
  kind: string;
  counts: Record<string, number>;
  results: HostResult[];
  waiting_on: { kind: string; text: string } | null;
}

export const taskIdOf = ({ status, body }: { status: number; body: object }): number => {
  if (status !== 202) throw new Error(`not accepted: ${JSON.stringify(body)}`);
  return Number((body as { task_id: string }).task_id);
};

export const hostTaskOf = async ({ admin }: Pick<FleetWorld, 'admin'>, id: number): Promise<HostTask> =>
  (await admin.get<HostTask>(`/hosts/tasks/${id}/`)).body;

/** Waits for the end of a host task. */
export const endedHostTask = (fleet: Pick<FleetWorld, 'admin'>, id: number, timeout = 45_000): Promise<HostTask> =>
  eventually(
    async () => {
      const task = await hostTaskOf(fleet, id);
      return task.status !== 'running' && task;
    },
    { timeout },
  );

export const hostRow = ({ db }: Pick<FleetWorld, 'db'>, { id }: FleetHost) =>
  db.selectFrom('hosts').selectAll().where('id', '=', id).executeTakeFirstOrThrow();

export const entriesOf = (hosts: readonly FleetHost[], more: object = {}) =>
  hosts.map(({ id }) => ({ host_id: id, ...more }));
