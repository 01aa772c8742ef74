// While instances are upgraded, reverted, stopped or restarted their hosts are in maintenance; no longer, whatever becomes
// of it, and no task fails for its maintenance.
import { unavailable } from '../../activities/providers/error.ts';
import { createMemoryMonitoring, createMonitoringWorld } from '../../activities/providers/monitoring/memory.ts';
import { readOutput } from '../../db/tasks/output.ts';
import { subTaskWorkflowId } from '../../workflows/deploy/contract.ts';
import { instanceTaskWorkflowId } from '../../workflows/applications/contract.ts';
import { eventually } from '../support/harness.ts';
import { endedTask, makeEstate, startedTask, testWorld } from '../support/world.ts';
import type { TestEstate, World } from '../support/world.ts';
import { accepted, upgrade } from '../support/deploy/acts.ts';
import { makeScript, setHooks } from '../support/deploy/hooks.ts';
import { hostsOf } from '../support/deploy/hosts.ts';

let world: World;
const monitored = createMonitoringWorld();
beforeAll(async () => {
  world = await testWorld({ logLevel: 'fatal', providers: { monitoring: createMemoryMonitoring(monitored) } });
});
afterAll(() => world.close());
afterEach(() => {
  monitored.failure = null;
});

const waits = 'until [ -e "$SLIPWAY_HOST_ROOT/go" ]; do sleep 0.05; done\n';

/** An estate whose hosts monitoring knows, but for the last one. */
async function estateWith(hook: string): Promise<TestEstate> {
  const estate = await makeEstate(world, 3);
  for (const name of estate.hostnames.slice(0, 2))
    monitored.hosts.set(name, { groups: [], templates: [], enabled: true, addresses: [], problems: [] });
  await setHooks(world, estate, { pre_exec: await makeScript(world, hook) });
  return estate;
}

const systemLines = async (taskId: number): Promise<string[]> =>
  (await readOutput(world.db, taskId, { after: 0, limit: 1000 }))
    .filter(({ step }) => step === 'maintenance')
    .map(({ text }) => text);

const period = (taskId: number) => monitored.maintenance.get(`task/${taskId}`);

async function begun(estate: TestEstate, wish: { timeout?: number } = {}): Promise<{ id: number; taskId: number }> {
  const id = await startedTask(world, estate);
  return { id, taskId: accepted(await upgrade(estate, id, wish)) };
}

test('an upgrade holds the hosts that monitoring knows, says which it does not, and lets go before it ends', async () => {
  const estate = await estateWith(waits);
  const { taskId } = await begun(estate);
  await eventually(() => period(taskId) !== undefined, { timeout: 60_000 });
  expect(period(taskId)).toMatchObject({ hosts: estate.hostnames.slice(0, 2) });
  const leftMs = Number(period(taskId)?.until) - Date.now();
  expect(leftMs).toBeGreaterThan(5 * 60_000);
  expect(leftMs).toBeLessThanOrEqual(10 * 60_000);
  for (const host of hostsOf(world, estate)) host.write('go', '');
  expect(await endedTask(world, taskId)).toMatchObject({ status: 'finished' });
  expect(period(taskId)).toBeUndefined();
  expect(await systemLines(taskId)).toEqual([
    `not in Memory monitoring, so without a maintenance period: ${estate.hostnames[2] ?? ''}`,
  ]);
}, 180_000);

test('an upgrade that fails and is taken back lets go', async () => {
  const { taskId } = await begun(await estateWith('exit 3'));
  expect(await endedTask(world, taskId)).toMatchObject({ status: 'failed' });
  expect(monitored.begun.filter(({ key }) => key === `task/${taskId}`)).toHaveLength(1);
  expect(period(taskId)).toBeUndefined();
}, 180_000);

test('an upgrade that times out lets go, and so does one that is cancelled from the engine', async () => {
  const late = await begun(await estateWith(waits), { timeout: 2 });
  const cancelled = await begun(await estateWith(waits));
  await eventually(() => period(cancelled.taskId) !== undefined, { timeout: 60_000 });
  await world.temporal.workflow.getHandle(subTaskWorkflowId(cancelled.id, 'upgrade', 1)).cancel();
  for (const { taskId } of [late, cancelled]) {
    expect(await endedTask(world, taskId)).toMatchObject({ status: 'failed' });
    expect(period(taskId)).toBeUndefined();
  }
}, 180_000);

test('monitoring that is away is a warning in the output, and the upgrade goes on', async () => {
  monitored.failure = (method) =>
    method === 'beginMaintenance' || method === 'endMaintenance' ? unavailable('memory', 'no connection') : undefined;
  const { taskId } = await begun(await estateWith('true'));
  expect(await endedTask(world, taskId)).toMatchObject({ status: 'finished' });
  expect(await systemLines(taskId)).toEqual([
    'warning: hosts are not in maintenance: no connection',
    'warning: maintenance ends by itself within 10 minutes: no connection',
  ]);
}, 180_000);

test('where nothing is monitored the engine is asked for nothing more', async () => {
  const bare = await testWorld();
  try {
    const estate = await makeEstate(bare, 1);
    const id = await startedTask(bare, estate);
    await endedTask(bare, accepted(await upgrade(estate, id)));
    const operator = await bare.user({ application: { [estate.applicationId]: ['restart_app'] } });
    const path = `/applications/${estate.applicationId}/instances/actions/restart/`;
    const answer = await operator.post(path, { instances: estate.instanceIds.map((one) => ({ id: one })) });
    const taskId = accepted(answer);
    await endedTask(bare, taskId);
    for (const workflowId of [subTaskWorkflowId(id, 'upgrade', 1), instanceTaskWorkflowId(taskId)]) {
      const { events } = await bare.temporal.workflow.getHandle(workflowId).fetchHistory();
      expect(JSON.stringify(events)).not.toMatch(/aintenance/);
    }
  } finally {
    await bare.close();
  }
}, 180_000);
