// 500 hosts at two providers are restarted while one of them is down: what an operator sees of it.
import { addMachine, createCloudWorld, createMemoryCloud } from '../../activities/providers/cloud/memory.ts';
import { createMemoryRunner, createMemoryWorld } from '../../activities/providers/runner/memory.ts';
import { unavailable } from '../../activities/providers/error.ts';
import { startWorker } from '../../activities/worker.ts';
import { createLogger } from '../../kit/log.ts';
import type { HostType } from '../../workflows/hosts/contract.ts';
import { admitHosts } from '../support/api/app.ts';
import type { TestUser } from '../support/api/app.ts';
import { refusal } from '../support/api/inventory.ts';
import { eventually, temporalAddress } from '../support/harness.ts';
import { testWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';
import { endedHostTask, taskIdOf } from '../support/hosts/fleet.ts';
import type { HostTask } from '../support/hosts/fleet.ts';

const each = 250;
const [up, down] = [createCloudWorld(), createCloudWorld()];
const minions = createMemoryRunner(createMemoryWorld());
const providers = {
  runners: { salt: minions },
  clouds: { TECENT_CVM: createMemoryCloud(up), CLOUDSTACK: createMemoryCloud(down) },
};
let world: World;
let admin: TestUser;
beforeAll(async () => {
  world = await testWorld({
    env: {
      SLIPWAY_HOST_PATIENCE_SECONDS: '600',
      SLIPWAY_HOST_SILENCE_SECONDS: '1',
      SLIPWAY_TENCENT_SECRET_ID: 'id',
      SLIPWAY_TENCENT_SECRET_KEY: 'key',
      SLIPWAY_TENCENT_REGIONS: 'memory-1',
      SLIPWAY_CLOUDSTACK_URL: 'https://cloud.example.com/client/api',
      SLIPWAY_CLOUDSTACK_API_KEY: 'id',
      SLIPWAY_CLOUDSTACK_SECRET_KEY: 'key',
    },
    settings: { saltUrl: 'http://salt.example.com' },
    providers,
  });
  admin = await world.user({ admin: true });
}, 60_000);
afterAll(async () => {
  // The one without patience.
  await world.worker.stop();
  await world.close();
}, 60_000);

async function hostsAt(cloud: typeof up, hostType: HostType): Promise<number[]> {
  const names = Array.from({ length: each }, (_, index) => `${hostType.toLowerCase()}-${index}`.replaceAll('_', '-'));
  for (const name of names) {
    addMachine(cloud, { id: name });
    await minions.prepare({ name, runner: 'salt', address: null });
  }
  const rows = await world.db
    .insertInto('hosts')
    .values(names.map((name) => ({ name, hostType, providerId: name, osStatus: 'running' as const, creator: 'test' })))
    .returning('id')
    .execute();
  const ids = rows.map(({ id }) => id);
  await admitHosts(world.db, ids);
  return ids;
}

interface Seen extends HostTask {
  summary: { host_type: string; status: string; error_code: number | null; count: number; message: string | null }[];
}

test('the task says by provider how many are done and why the others are not, while it runs and afterwards', async () => {
  const ids = [...(await hostsAt(up, 'TECENT_CVM')), ...(await hostsAt(down, 'CLOUDSTACK'))];
  down.failure = () => unavailable('CloudStack', 'the connection to CloudStack failed (ECONNREFUSED)');
  const body = ids.map((id) => ({ host_id: id, force: true }));
  const taskId = taskIdOf(await admin.post('/hosts/restart-tasks/', body));
  const see = async (query = ''): Promise<Seen> => (await admin.get<Seen>(`/hosts/tasks/${taskId}/${query}`)).body;

  const between = await eventually(
    async () => {
      const task = await see();
      return task.status === 'running' && task.counts['finished'] === each && task;
    },
    { timeout: 60_000 },
  );
  expect(between.summary).toEqual([
    {
      host_type: 'CLOUDSTACK',
      status: 'running',
      error_code: null,
      count: each,
      message: 'the connection to CloudStack failed (ECONNREFUSED)',
    },
    { host_type: 'TECENT_CVM', status: 'finished', error_code: null, count: each, message: null },
  ]);
  expect(between.waiting_on).toMatchObject({ kind: 'provider', text: expect.stringContaining('and 245 more') });

  await world.worker.stop();
  world.worker = await startWorker(
    { ...world.config, hostPatienceSeconds: 1 },
    createLogger({ logLevel: 'error' }, 'test'),
    { databaseUrl: world.database.url, temporalAddress: temporalAddress() },
    { providers },
  );
  const task = await endedHostTask({ admin }, taskId, 90_000);
  expect(task).toMatchObject({ status: 'failed', counts: { finished: each, failed: each, unknown: 0, running: 0 } });
  const failed = await see('?result=failed');
  expect(failed.results.map(({ hostname }) => hostname).every((name) => name.startsWith('cloudstack'))).toBe(true);
  expect(failed.results).toHaveLength(each);
  expect(failed.summary[0]).toMatchObject({
    host_type: 'CLOUDSTACK',
    status: 'failed',
    error_code: 30002,
    count: each,
  });
  expect(failed.summary[0]?.message).toContain('CloudStack failed (ECONNREFUSED) after 1 s');
  expect((await see('?result=finished&hostname=CVM-249')).results).toHaveLength(1);
  expect(refusal(await admin.get(`/hosts/tasks/${taskId}/?result=done`))).toEqual([400, 10001, 'result']);
  expect(down.begun).toEqual([]);
  expect(new Set(up.begun.map(({ id }) => id)).size).toBe(each);
  expect(up.begun).toHaveLength(each);
}, 180_000);
