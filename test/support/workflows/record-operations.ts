// Records further histories that replay.test.ts replays: rollouts, starts that wait, policies, tasks on hosts, work in chunks.
// As for record.ts: only for lifecycles that are new.
//   npx jest --testMatch '**/test/support/workflows/record-operations.ts'
import type { Behaviour } from '../../../activities/providers/runner/memory.ts';
import { refused } from '../../../activities/providers/error.ts';
import { deployTaskWorkflowId, subTaskWorkflowId } from '../../../workflows/deploy/contract.ts';
import { hostChunkWorkflowId, hostRemovalWorkflowId, hostTaskWorkflowId } from '../../../workflows/hosts/contract.ts';
import type { TestUser } from '../api/app.ts';
import { accepted, act, outcome, reviewers, taskPath, upgrade } from '../deploy/acts.ts';
import { memoryEstate, startedOnMemory } from '../deploy/memory-hosts.ts';
import { makePolicy, roleOf } from '../deploy/policies.ts';
import { eventually } from '../harness.ts';
import { endedHostTask, entriesOf, machines, monitored, taskIdOf, testFleet } from '../hosts/fleet.ts';
import type { FleetWorld } from '../hosts/fleet.ts';
import { endedTask, makeTask, taskOf } from '../world.ts';
import type { TaskWish, TestEstate } from '../world.ts';
import { saveHistory } from './save-history.ts';

let fleet: FleetWorld;
beforeAll(async () => {
  fleet = await testFleet({ settings: monitored });
}, 60_000);
afterAll(() => fleet.close(), 60_000);

const record = (name: string, workflowId: string): Promise<void> => saveHistory(fleet, name, workflowId);
const recordTask = (name: string, id: number): Promise<void> => record(name, deployTaskWorkflowId(id));

const estateOf = (count: number): Promise<TestEstate> => memoryEstate(fleet, { world: fleet.minions }, count);
const ready = (estate: TestEstate, wish: TaskWish = {}): Promise<number> =>
  makeTask(fleet, { ...estate, hostnames: [] }, { level: 'I', ...wish });

type Row = Awaited<ReturnType<typeof taskOf>>;
const patience = { timeout: 60_000, interval: 100 };
const becomes = (id: number, is: (task: Row) => boolean) =>
  eventually(async () => {
    const task = await taskOf(fleet, id);
    return is(task) && task;
  }, patience);

async function done(answer: ReturnType<typeof act>): Promise<void> {
  expect(outcome(await answer)[1]).toBe(0);
}

async function freeze({ applicationId }: TestEstate): Promise<string> {
  const inHours = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();
  const period = { from: inHours(-1), until: inHours(5), reason: 'the sale' };
  const { body } = await fleet.admin.post<{ id: number }>('/application/deploy-freezes/', {
    ...period,
    application: applicationId,
  });
  return `/application/deploy-freezes/${body.id}/`;
}

test('a rollout with a canary, paused and resumed', async () => {
  const estate = await estateOf(3);
  const strategy = { mode: 'rolling', canary: 1, batch_size: 1, pause_seconds: 3 };
  const id = await startedOnMemory(fleet, estate, { strategy });
  const { nextBatchTime } = await becomes(id, (task) => task.nextBatchTime !== null);
  await done(act(estate.manager, id, 'pause'));
  await eventually(() => Date.now() > Number(nextBatchTime), patience);
  await done(act(estate.manager, id, 'resume'));
  await becomes(id, ({ status }) => status === 'finished');
  await recordTask('deploy-rollout', id);
}, 120_000);

test('starts that wait', async () => {
  const estate = await estateOf(1);
  const over = await freeze(estate);
  const held = await ready(estate);
  await done(act(estate.manager, held, 'start', { reason: 'the new shop' }));
  await becomes(held, ({ heldBy }) => heldBy !== null);
  expect((await fleet.admin.delete(over)).status).toBe(200);
  await becomes(held, ({ status }) => status === 'running');
  await done(act(estate.manager, held, 'close'));
  await recordTask('deploy-held', held);

  const planned = new Date(Date.now() + 3_000).toISOString();
  const automatic = await ready(estate, { auto_start: true, planned_exec_time: planned });
  await becomes(automatic, ({ status }) => status === 'running');
  await done(act(estate.manager, automatic, 'close'));
  await recordTask('deploy-automatic', automatic);
}, 120_000);

test('what failed is tried again', async () => {
  const estate = await estateOf(2);
  const fails: Behaviour = ({ job, host, exit }) => exit(job.id.includes('-unpack-') && host === bad ? 3 : 0);
  const [bad] = estate.hostnames;
  fleet.minions.behaviour = fails;
  const id = await startedOnMemory(fleet, estate, { strategy: { mode: 'rolling', batch_size: 2 } });
  await becomes(id, ({ paused }) => paused);
  fleet.minions.behaviour = ({ exit }) => exit(0);
  const { id: first } = await fleet.db
    .selectFrom('tasks')
    .select('id')
    .where('deployTaskId', '=', id)
    .executeTakeFirstOrThrow();
  const path = taskPath(id, `sub-tasks/${first}/actions/retry-failed/`);
  await endedTask(fleet, accepted(await estate.manager.post(path)));
  await becomes(id, ({ status }) => status === 'finished');
  await recordTask('deploy-retried', id);
  await record('upgrade-maintained', subTaskWorkflowId(id, 'upgrade', 1));
}, 120_000);

test('policies', async () => {
  const estate = await estateOf(1);
  const [dev, ops] = [await roleOf(fleet, estate, 1), await roleOf(fleet, estate, 1)];
  const steps = [{ groups: [{ role: dev.id }] }, { groups: [{ role: ops.id }, { count: 1 }] }];
  await makePolicy(fleet.admin, estate, { steps });
  const inSteps = await ready(estate, { level: 'A' });
  const voters: TestUser[] = [...dev.members, ...ops.members, estate.reviewer];
  for (const voter of voters) await done(act(voter, inSteps, 'approve'));
  await done(act(estate.manager, inSteps, 'start'));
  await done(act(estate.manager, inSteps, 'close'));
  await recordTask('deploy-steps', inSteps);

  const urgent = await estateOf(1);
  const night = await roleOf(fleet, urgent, 0);
  await fleet.db.insertInto('userRoles').values({ userId: urgent.manager.id, roleId: night.id }).execute();
  await makePolicy(fleet.admin, urgent, { steps: [{ groups: [{ count: 1 }] }], break_glass: night.id });
  const broken = await ready(urgent, { level: 'A', planned_exec_time: Math.floor(Date.now() / 1000) + 3_600 });
  await done(act(urgent.manager, broken, 'start', { break_glass: true, reason: 'the shop is down' }));
  await done(act(urgent.manager, broken, 'close'));
  const lookers = await reviewers(fleet, urgent, 2);
  for (const looker of lookers) await done(act(looker, broken, 'approve'));
  await recordTask('deploy-broken-glass', broken);
}, 120_000);

test('power of hosts', async () => {
  const hosts = await machines(fleet, 3);
  const [bad] = hosts;
  fleet.cloud.failure = (method, id) =>
    method === 'power' && id === bad?.name ? refused('memory', 'not in this state') : undefined;
  const taskId = taskIdOf(await fleet.admin.post('/hosts/stop-tasks/', entriesOf(hosts, { force: true })));
  expect(await endedHostTask(fleet, taskId)).toMatchObject({ counts: { finished: 2, failed: 1 } });
  fleet.cloud.failure = null;
  await record('hosts-stopped', hostTaskWorkflowId(taskId));
  expect((await fleet.admin.delete(`/hosts/${bad?.id}/`)).status).toBeLessThan(300);
  await record('host-removed', hostRemovalWorkflowId(bad?.id ?? 0));
}, 120_000);

test('more hosts than one history holds', async () => {
  const hosts = await machines(fleet, 52, { minion: false });
  const taskId = taskIdOf(await fleet.admin.post('/hosts/stop-tasks/', entriesOf(hosts, { force: true })));
  expect(await endedHostTask(fleet, taskId, 90_000)).toMatchObject({ status: 'finished' });
  await record('hosts-in-chunks', hostTaskWorkflowId(taskId));
  await record('hosts-chunk', hostChunkWorkflowId(taskId, 2));
}, 120_000);

test('more instances than one history holds', async () => {
  const estate = await estateOf(52);
  const id = await startedOnMemory(fleet, estate);
  const subTask = accepted(await upgrade(estate, id));
  expect(await endedTask(fleet, subTask, 90_000)).toMatchObject({ status: 'finished' });
  const workflowId = subTaskWorkflowId(id, 'upgrade', 1);
  await record('upgrade-in-chunks', workflowId);
  await record('upgrade-first-chunk', `${workflowId}/chunk/1`);
  await record('upgrade-chunk', `${workflowId}/chunk/2`);
}, 120_000);
