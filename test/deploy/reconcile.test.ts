// Sub-tasks whose workflow was ended by hand: nothing stays busy, nothing is said to be better than it is.
import { reconcile } from '../../api/background/reconcile.ts';
import { deployTaskWorkflowId, subTaskWorkflowId } from '../../workflows/deploy/contract.ts';
import { eventually } from '../support/harness.ts';
import { endedTask, taskOf, testWorld } from '../support/world.ts';
import type { TestEstate, World } from '../support/world.ts';
import { accepted, resultsOf, upgrade } from '../support/deploy/acts.ts';
import { memoryEstate, memoryHosts, onMemory, startedOnMemory } from '../support/deploy/memory-hosts.ts';

let world: World;
const hosts = memoryHosts();
beforeAll(async () => {
  world = await testWorld(onMemory(hosts));
}, 60_000);
afterAll(() => world.close(), 60_000);
afterEach(() => hosts.letGo());

const patience = { timeout: 60_000, interval: 50 };
const later = (): Promise<number> => reconcile(world.db, world.deps.engine, new Date(Date.now() + 60_000));
const terminate = (workflowId: string) => world.temporal.workflow.getHandle(workflowId).terminate('by hand');
const instancesOf = ({ instanceIds }: TestEstate) =>
  world.db
    .selectFrom('instances')
    .select(['status', 'busyKind', 'busyTaskId'])
    .where('id', 'in', instanceIds)
    .orderBy('id')
    .execute();
const free = { status: 'stopped', busyKind: null, busyTaskId: null };
/** What was in the middle of a step may run or not; what never began is as it was. */
const cutShort = [...Array<object>(10).fill({ ...free, status: 'unknown' }), ...Array<object>(2).fill(free)];

/** A sub-task of twelve instances, ten of which are in the middle of a step that does not end. */
async function inTheMiddle(): Promise<{ estate: TestEstate; id: number; subTask: number }> {
  const estate = await memoryEstate(world, hosts, 12);
  const id = await startedOnMemory(world, estate);
  hosts.stuck(estate.hostnames);
  const subTask = accepted(await upgrade(estate, id, { timeout: 600 }));
  await eventually(
    async () => (await resultsOf(world, subTask)).filter(({ step }) => step === 'unpack').length === 10,
    patience,
  );
  return { estate, id, subTask };
}

test('with its deploy task gone too, it is lost: what was begun says where, and every instance is free', async () => {
  const { estate, id, subTask } = await inTheMiddle();
  await terminate(deployTaskWorkflowId(id));
  expect(await later()).toBe(1);
  expect((await resultsOf(world, subTask)).filter(({ status }) => status === 'running')).toHaveLength(10);
  await terminate(subTaskWorkflowId(id, 'upgrade', 1));
  expect(await reconcile(world.db, world.deps.engine, new Date())).toBe(0);
  expect(await later()).toBe(1);
  const lost = 'lost: its workflow is gone from the engine';
  expect((await resultsOf(world, subTask)).map(({ status, step, message }) => [status, step, message])).toEqual([
    ...Array<unknown>(10).fill([
      'failed',
      'unpack',
      `cut short at unpack: ${lost}; whether it runs is not known, look at the host`,
    ]),
    ...Array<unknown>(2).fill(['failed', null, `not begun: ${lost}`]),
  ]);
  expect(await endedTask(world, subTask)).toMatchObject({ status: 'failed', error: lost });
  expect(await instancesOf(estate)).toEqual(cutShort);
  expect(await later()).toBe(0);
});

test('with its deploy task there, that settles it at once and goes on', async () => {
  const { estate, id, subTask } = await inTheMiddle();
  await terminate(subTaskWorkflowId(id, 'upgrade', 1));
  expect(await endedTask(world, subTask)).toMatchObject({ status: 'failed' });
  expect(await instancesOf(estate)).toEqual(cutShort);
  hosts.letGo();
  expect(await endedTask(world, accepted(await upgrade(estate, id)))).toMatchObject({ status: 'finished' });
  await eventually(async () => (await taskOf(world, id)).status === 'finished', patience);
});

test('one that was never started is left to its deploy task while that runs, and is lost when that is gone', async () => {
  const estate = await memoryEstate(world, hosts, 1);
  const id = await startedOnMemory(world, estate);
  const [instanceId = 0] = estate.instanceIds;
  const { hostId } = await world.db
    .selectFrom('instances')
    .select('hostId')
    .where('id', '=', instanceId)
    .executeTakeFirstOrThrow();
  const { id: subTask } = await world.db
    .insertInto('tasks')
    .values({
      area: 'deploy',
      kind: 'upgrade',
      deployTaskId: id,
      number: 1,
      applicationId: estate.applicationId,
      creator: 'test',
      version: '1.0.0',
      timeoutSeconds: 120,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  await world.db
    .insertInto('taskResults')
    .values({
      taskId: subTask,
      position: 0,
      instanceId,
      hostId,
      hostname: estate.hostnames[0] ?? '',
      previousStatus: 'stopped',
    })
    .execute();
  await world.db
    .updateTable('instances')
    .set({ status: 'updating', busyKind: 'upgrade', busyTaskId: subTask })
    .where('id', '=', instanceId)
    .execute();
  expect(await later()).toBe(0);
  await terminate(deployTaskWorkflowId(id));
  expect(await later()).toBe(2);
  expect(await instancesOf(estate)).toEqual([free]);
});
