// Records the histories that replay.test.ts replays, of real workflows on real servers. Run it only when a lifecycle is
// new: a history from before a change is what shows that the change is safe. See record-operations.ts for further ones.
//   npx jest --testMatch '**/test/support/workflows/record.ts'
import type { Clouds } from '../../../activities/providers/cloud/driver.ts';
import { addMachine, createCloudWorld, createMemoryCloud } from '../../../activities/providers/cloud/memory.ts';
import { instanceTaskWorkflowId } from '../../../workflows/applications/contract.ts';
import { deployTaskWorkflowId, subTaskWorkflowId } from '../../../workflows/deploy/contract.ts';
import { hostAdoptionWorkflowId, hostImportWorkflowId } from '../../../workflows/host-imports/contract.ts';
import { hostTaskWorkflowId } from '../../../workflows/hosts/contract.ts';
import { accepted, act, approveSeen, outcome, revert, signed, taskPath, upgrade } from '../deploy/acts.ts';
import { makeScript, setHooks } from '../deploy/hooks.ts';
import { eventually } from '../harness.ts';
import { endedTask, makeEstate, makeTask, startedTask, taskOf, testWorld } from '../world.ts';
import type { TestEstate, World } from '../world.ts';
import { saveHistory } from './save-history.ts';

const env = { SLIPWAY_TENCENT_SECRET_ID: 'id', SLIPWAY_TENCENT_SECRET_KEY: 'key', SLIPWAY_TENCENT_REGIONS: 'r-1' };
const machines = createCloudWorld();
const clouds: Clouds = {};

let world: World;
beforeAll(async () => {
  clouds.TECENT_CVM = createMemoryCloud(machines);
  world = await testWorld({ env, providers: { clouds } });
});
afterAll(() => world.close());

const record = (name: string, workflowId: string): Promise<void> => saveHistory(world, name, workflowId);
const recordTask = (name: string, id: number): Promise<void> => record(name, deployTaskWorkflowId(id));

async function done(answer: ReturnType<typeof act>): Promise<void> {
  expect(outcome(await answer)[1]).toBe(0);
}

async function hooked(): Promise<TestEstate> {
  const estate = await makeEstate(world, 2);
  const script = await makeScript(world, 'echo {{ version }}');
  await setHooks(world, estate, {
    global_pre_exec: script,
    pre_exec: script,
    post_exec: script,
    global_post_exec: script,
  });
  return estate;
}

test('from request to end, forward and back', async () => {
  const estate = await hooked();
  const [manager, reviewer] = [estate.manager, estate.reviewer];
  const id = await makeTask(world, estate);
  await done(act(reviewer, id, 'approve'));
  await done(act(manager, id, 'start'));
  await endedTask(world, accepted(await upgrade(estate, id)));
  await eventually(async () => (await taskOf(world, id)).status === 'finished');
  await record('upgrade-finished', subTaskWorkflowId(id, 'upgrade', 1));
  await recordTask('deploy-finish', id);

  const second = await startedTask(world, estate, { version: '2.0.0' });
  const [one] = estate.instanceIds;
  const instances = [{ id: one ?? 0 }];
  await endedTask(world, accepted(await upgrade(estate, second, { version: '2.0.0', instances })));
  await endedTask(world, accepted(await revert(estate, second, { version: '1.0.0', instances })));
  await done(act(manager, second, 'close'));
  await record('revert-finished', subTaskWorkflowId(second, 'revert', 2));
  const failing = await makeScript(world, 'exit 3');
  await setHooks(world, estate, { post_exec: failing });
  const third = await startedTask(world, estate, { version: '3.0.0' });
  await endedTask(world, accepted(await upgrade(estate, third, { version: '3.0.0' })));
  await done(act(manager, third, 'close'));
  await record('upgrade-undone', subTaskWorkflowId(third, 'upgrade', 1));
  await setHooks(world, estate, { pre_exec: await makeScript(world, 'sleep 60') });
  const fourth = await startedTask(world, estate, { version: '4.0.0' });
  await endedTask(world, accepted(await upgrade(estate, fourth, { version: '4.0.0', timeout: 1 })));
  await done(act(manager, fourth, 'close'));
  await record('upgrade-timed-out', subTaskWorkflowId(fourth, 'upgrade', 1));
}, 120_000);

test('decisions', async () => {
  const estate = await hooked();
  const [manager, reviewer] = [estate.manager, estate.reviewer];
  const rejected = await makeTask(world, estate);
  await done(act(reviewer, rejected, 'reject', { reason: 'not today' }));
  await recordTask('deploy-reject', rejected);
  const closed = await makeTask(world, estate);
  await done(act(manager, closed, 'close'));
  await recordTask('deploy-close', closed);

  const changed = await makeTask(world, estate, { level: 'S' });
  await done(act(reviewer, changed, 'approve'));
  await done(manager.patch(taskPath(changed), { level: 'A', description: 'another way' }));
  await done(approveSeen(world, reviewer, changed));
  await setHooks(world, estate, { pre_exec: await makeScript(world, 'echo other') });
  expect(outcome(await act(manager, changed, 'start'))).toEqual([409, 10005]);
  await done(approveSeen(world, reviewer, changed));
  await done(act(manager, changed, 'start'));
  await done(act(manager, changed, 'close'));
  await recordTask('deploy-change', changed);

  const rights = { application: { [estate.applicationId]: ['view_app', 'deploy_app'] } };
  const other = await world.user(rights);
  const delegated = await makeTask(world, estate);
  await done(act(reviewer, delegated, 'delegate', { user_id: other.id }));
  await done(act(other, delegated, 'approve'));
  await done(act(manager, delegated, 'delegate', { user_id: other.id }));
  await done(act(other, delegated, 'start'));
  await done(act(other, delegated, 'close'));
  await recordTask('deploy-delegate', delegated);

  const byMessage = await makeTask(world, estate);
  const handle = world.temporal.workflow.getHandle(deployTaskWorkflowId(byMessage));
  const message = { decision: 'approve', actor: reviewer.username, channel: 'chat', messageId: 'm-1' };
  await handle.signal('decide', signed(world, byMessage, { ...message, actor: manager.username, messageId: 'm-0' }));
  await handle.signal('decide', 'approve, please');
  await handle.signal('decide', signed(world, byMessage, message));
  await eventually(async () => (await taskOf(world, byMessage)).status === 'approved');
  await handle.signal('decide', signed(world, byMessage, { ...message, decision: 'close', messageId: 'm-2' }));
  await eventually(async () => (await taskOf(world, byMessage)).status === 'closed');
  await recordTask('deploy-messages', byMessage);
}, 120_000);

test('initialisation of hosts', async () => {
  const ids = await Promise.all(
    Array.from({ length: 3 }, async (_, index) => {
      const row = await world.db
        .insertInto('hosts')
        .values({ name: `raw-${index}`, hostType: 'PHY_HOST', runner: 'local', creator: 'test' })
        .returning('id')
        .executeTakeFirstOrThrow();
      return row.id;
    }),
  );
  const admin = await world.user({ admin: true });
  const answer = await admin.post('/hosts/init-tasks/', { hosts: ids.map((id) => ({ id })), opts: {} });
  expect(outcome(answer)[1]).toBe(0);
  await record('init-hosts', hostTaskWorkflowId(Number(answer.body['task_id'] ?? answer.body['id'])));
}, 60_000);

test('instances in batches', async () => {
  const estate = await makeEstate(world, 5);
  const operator = await world.user({ application: { [estate.applicationId]: ['restart_app'] } });
  const startBy = (startupCmd: string) =>
    world.db
      .updateTable('applications')
      .set({ startupCmd, stopCmd: 'true', pidPath: '' })
      .where('id', '=', estate.applicationId)
      .execute();
  const run = async (action: string, name: string, body: object): Promise<void> => {
    const instances = estate.instanceIds.map((id) => ({ id }));
    const path = `/applications/${estate.applicationId}/instances/actions/${action}/`;
    const taskId = accepted(await operator.post(path, { instances, ...body }));
    await endedTask(world, taskId);
    await record(name, instanceTaskWorkflowId(taskId));
  };
  await startBy('true');
  await run('start', 'instances-started', { batch_size: 2 });
  await startBy(`test "$(basename "$SLIPWAY_HOST_ROOT")" != ${estate.hostnames[2]}`);
  await run('restart', 'instances-failed', { batch_size: 2 });
  await startBy('sleep 60');
  await run('restart', 'instances-timed-out', { batch_size: 3, timeout: 2 });
}, 60_000);

test('imports of hosts', async () => {
  const admin = await world.user({ admin: true });
  addMachine(machines, { id: 'i-recorded-1' });
  const begun = await admin.post<{ id: number }>('/hosts/actions/import/', { adopt: true });
  await record('host-import', hostImportWorkflowId(begun.body.id));
  addMachine(machines, { id: 'i-recorded-2' });
  const { body } = await admin.post<{ id: number }>('/hosts/actions/import/', {});
  const looked = hostImportWorkflowId(body.id);
  await eventually(
    async () => (await world.temporal.workflow.getHandle(looked).describe()).status.name === 'COMPLETED',
  );
  expect((await admin.post(`/hosts/imports/${body.id}/actions/adopt/`, { all: true })).status).toBe(202);
  await record('host-adoption', hostAdoptionWorkflowId(body.id, 1));
}, 60_000);
