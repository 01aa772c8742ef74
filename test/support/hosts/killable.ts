// Host tasks on processes that may be killed, with the machines of two providers at their doubles here, which live on and
// know what was really begun.
import type { PowerAction } from '../../../activities/providers/cloud/driver.ts';
import { admitHosts } from '../api/app.ts';
import { ownEstate } from '../deploy/processes.ts';
import type { ProcessEstate } from '../deploy/processes.ts';
import { serveCloudStack } from '../doubles/cloudstack.ts';
import { serveTencent } from '../doubles/tencent.ts';
import { unique } from '../harness.ts';

const region = 'ap-guangzhou';
/** Calls a second: some seconds for a hundred hosts. */
const rate = '60';

export interface KillableHost {
  id: number;
  name: string;
}

export interface HostEstate extends ProcessEstate {
  /** Running hosts, one half at each provider. */
  hosts(count: number): Promise<KillableHost[]>;
  /** What the providers have begun on a host, in order. */
  begunOn(host: KillableHost): PowerAction[];
  /** All that the providers have begun. */
  begun(): number;
}

/** What became of the hosts of a task, against what their providers have begun. */
export interface HostCounts {
  /** Changes of power that were begun more than once. */
  callsDoubled: number;
  /** Hosts whose result is finished although the provider began no change. */
  callsLost: number;
  /** Hosts without an end, or still held by the task. */
  hostsForgotten: number;
  /** Hosts that failed, or whose outcome is unknown. */
  hostsFailed: number;
}

export const nothingWrong: HostCounts = { callsDoubled: 0, callsLost: 0, hostsForgotten: 0, hostsFailed: 0 };

/** Database, engine and both providers; no process of Slipway yet. */
export async function hostEstate(): Promise<HostEstate> {
  const [tencent, stack] = [await serveTencent(), await serveCloudStack()];
  const [key] = tencent.keys;
  const estate = await ownEstate({
    SLIPWAY_TENCENT_SECRET_ID: key?.secretId ?? '',
    SLIPWAY_TENCENT_SECRET_KEY: key?.secretKey ?? '',
    SLIPWAY_TENCENT_REGIONS: region,
    SLIPWAY_TENCENT_ENDPOINT: tencent.endpoint,
    SLIPWAY_TENCENT_RATE: rate,
    SLIPWAY_CLOUDSTACK_URL: stack.url,
    SLIPWAY_CLOUDSTACK_API_KEY: stack.apiKey,
    SLIPWAY_CLOUDSTACK_SECRET_KEY: stack.secretKey,
    SLIPWAY_CLOUDSTACK_RATE: rate,
    SLIPWAY_HOST_SILENCE_SECONDS: '2',
  });
  // The environment's account has a name of its own at the double.
  const at = { TECENT_CVM: tencent.cvm, CLOUDSTACK: stack.fleet };
  const place = { TECENT_CVM: { region, account: key?.account ?? '' }, CLOUDSTACK: { region: 'zone-1' } };
  const add = async (hostType: keyof typeof at): Promise<KillableHost> => {
    const name = `i-${unique()}`;
    at[hostType].add({ id: name, ...place[hostType] });
    const { id } = await estate.db
      .insertInto('hosts')
      .values({ name, hostType, providerId: name, osStatus: 'running', status: 'inited', creator: 'test' })
      .returning('id')
      .executeTakeFirstOrThrow();
    await admitHosts(estate.db, [id]);
    return { id, name };
  };
  return {
    ...estate,
    hosts: (count) =>
      Promise.all(Array.from({ length: count }, (_, index) => add(index % 2 === 0 ? 'TECENT_CVM' : 'CLOUDSTACK'))),
    begunOn: ({ name }) => Object.values(at).flatMap((fleet) => fleet.begunOn(name)),
    begun: () => Object.values(at).reduce((sum, { begun }) => sum + begun.length, 0),
    async close() {
      await estate.close();
      await Promise.all([tencent.close(), stack.close()]);
    },
  };
}

/** Counts a task that has ended, or should have. */
export async function countHosts(
  site: HostEstate,
  taskId: number,
  hosts: readonly KillableHost[],
): Promise<HostCounts> {
  const counts = { ...nothingWrong };
  const rows = await site.db
    .selectFrom('taskResults')
    .innerJoin('hosts', 'hosts.id', 'taskResults.hostId')
    .select(['taskResults.hostId', 'taskResults.status', 'hosts.busyTaskId', 'hosts.osStatus'])
    .where('taskResults.taskId', '=', taskId)
    .execute();
  for (const host of hosts) {
    const row = rows.find(({ hostId }) => hostId === host.id);
    const begun = site.begunOn(host).length;
    if (begun > 1) counts.callsDoubled += begun - 1;
    const hasEnded = row?.status === 'finished' || row?.status === 'failed' || row?.status === 'unknown';
    if (!hasEnded || row.busyTaskId !== null) counts.hostsForgotten += 1;
    else if (row.status !== 'finished') counts.hostsFailed += 1;
    else if (begun === 0) counts.callsLost += 1;
  }
  return counts;
}
