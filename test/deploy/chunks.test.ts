// A sub-task of more instances than one history should hold: the same promises, and never more than ten hosts at a time; and the
// plan of many instances, as large as it may be.
import { createHash } from 'node:crypto';
import { planHash } from '../../db/deploy/plan.ts';
import { presentPlan } from '../../db/deploy/tasks.ts';
import { subTaskWorkflowId } from '../../workflows/deploy/contract.ts';
import { asBefore, planned } from '../support/gate/planned.ts';
import { eventually } from '../support/harness.ts';
import { endedTask, makeTask, packagePath, taskOf, testWorld } from '../support/world.ts';
import type { TaskWish, TestEstate, World } from '../support/world.ts';
import { accepted, act, approveSeen, outcome, resultsOf, taskPath, upgrade } from '../support/deploy/acts.ts';
import { makeScript, setHooks } from '../support/deploy/hooks.ts';
import { memoryEstate, memoryHosts, onMemory, startedOnMemory } from '../support/deploy/memory-hosts.ts';

let world: World;
const hosts = memoryHosts();
beforeAll(async () => {
  world = await testWorld(onMemory(hosts));
}, 60_000);
afterAll(() => world.close(), 60_000);
afterEach(() => hosts.letGo());

const patience = { timeout: 100_000, interval: 50 };

async function counts(taskId: number): Promise<Record<string, number>> {
  const rows = await world.db
    .selectFrom('taskResults')
    .select(({ fn }) => ['status', fn.countAll<number>().as('n')])
    .where('taskId', '=', taskId)
    .groupBy('status')
    .execute();
  return Object.fromEntries(rows.map(({ status, n }) => [status, n]));
}

const statusesOf = async ({ applicationId }: TestEstate): Promise<unknown[]> =>
  await world.db
    .selectFrom('instances')
    .select(['status', 'busyKind', 'busyTaskId', 'version'])
    .distinct()
    .where('applicationId', '=', applicationId)
    .execute();

const eventsOf = async (workflowId: string) =>
  (await world.temporal.workflow.getHandle(workflowId).fetchHistory()).events ?? [];
const historyOf = async (workflowId: string): Promise<number> => (await eventsOf(workflowId)).length;

const untouched = [{ status: 'stopped', busyKind: null, busyTaskId: null, version: null }];

test('hosts that never finish block no others, ten are worked on at a time, and the global hooks run once', async () => {
  const estate = await memoryEstate(world, hosts, 104);
  const script = await makeScript(world, 'true');
  await setHooks(world, estate, { global_pre_exec: script, global_post_exec: script });
  const id = await startedOnMemory(world, estate);
  hosts.stuck(estate.hostnames);
  const subTask = accepted(await upgrade(estate, id, { timeout: 600 }));
  await eventually(async () => (await counts(subTask))['running'] === 10, patience);
  expect(await counts(subTask)).toEqual({ running: 10, waiting: 94 });
  const first = world.temporal.workflow.getHandle(`${subTaskWorkflowId(id, 'upgrade', 1)}/chunk/1`);
  for (const forged of [1_000, -1, 'many', null]) await first.signal('moreLanes', forged);
  hosts.letGo();
  hosts.stuck(estate.hostnames.slice(10, 15));
  let most = 0;
  await eventually(async () => {
    const { running = 0, finished = 0 } = await counts(subTask);
    most = Math.max(most, running);
    return finished === 99;
  }, patience);
  expect(await counts(subTask)).toEqual({ running: 5, finished: 99 });
  expect(most).toBe(10);
  hosts.letGo();
  expect(await endedTask(world, subTask)).toMatchObject({ status: 'finished', error: null });
  expect(await statusesOf(estate)).toEqual([{ status: 'running', busyKind: null, busyTaskId: null, version: '1.0.0' }]);
  const { runs } = hosts.world;
  for (const hook of ['global_pre_exec', 'global_post_exec'])
    expect([...runs].filter(([job]) => job.startsWith(`t${subTask}-`) && job.includes(`-${hook}-`))).toEqual([
      [`t${subTask}-p0-${hook}-0`, 1],
    ]);
  expect(new Set([...runs].filter(([job]) => job.startsWith(`t${subTask}-`)).map(([, times]) => times))).toEqual(
    new Set([1]),
  );
  const workflowId = subTaskWorkflowId(id, 'upgrade', 1);
  expect(await historyOf(workflowId)).toBeLessThan(600);
  for (const chunk of [1, 2, 3]) expect(await historyOf(`${workflowId}/chunk/${chunk}`)).toBeGreaterThan(0);
  await eventually(async () => (await taskOf(world, id)).status === 'finished', patience);
});

// Scheduled, started and completed for each of fetch, stop, unpack, switch, start, check and settle, and at worst the three
// events of a workflow task after each; workflow tasks take several results at once.
const activitiesPerInstance = 7;
const eventsPerInstance = 42;

test('an instance adds to a sub-task’s history only its seven activities', async () => {
  const lengths: number[] = [];
  const activities: number[] = [];
  const parents: number[] = [];
  for (const count of [10, 20]) {
    const estate = await memoryEstate(world, hosts, count);
    // What does not run is not stopped.
    await world.db.updateTable('instances').set({ status: 'running' }).where('id', 'in', estate.instanceIds).execute();
    const id = await startedOnMemory(world, estate);
    const ended = await endedTask(world, accepted(await upgrade(estate, id)));
    expect(ended).toMatchObject({ status: 'finished', error: null });
    await eventually(async () => (await taskOf(world, id)).status === 'finished', patience);
    const events = await eventsOf(subTaskWorkflowId(id, 'upgrade', 1));
    lengths.push(events.length);
    activities.push(events.filter((event) => event.activityTaskScheduledEventAttributes).length);
    parents.push(await historyOf(`deploy-task/${id}`));
  }
  const [ten = 0, twenty = 0] = lengths;
  expect((twenty - ten) / 10).toBeLessThanOrEqual(eventsPerInstance);
  expect((activities[1] ?? 0) - (activities[0] ?? 0)).toBe(10 * activitiesPerInstance);
  // The deploy task's own history knows only its sub-tasks; batched workflow tasks make it vary a little.
  expect(Math.abs((parents[1] ?? 0) - (parents[0] ?? 0))).toBeLessThanOrEqual(6);
});

test('its timeout ends all of it: what runs is killed, and what never began says so', async () => {
  const estate = await memoryEstate(world, hosts, 55);
  const id = await startedOnMemory(world, estate);
  hosts.stuck(estate.hostnames);
  const subTask = accepted(await upgrade(estate, id, { timeout: 20 }));
  const ended = await endedTask(world, subTask, 100_000);
  expect(ended).toMatchObject({ status: 'failed', error: 'timed out after 20 s; its commands were killed' });
  const results = await resultsOf(world, subTask);
  expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['failed']));
  expect(results[0]).toMatchObject({ step: 'unpack', message: 'timed out after 20 s; its commands were killed' });
  expect(results[54]?.message).toBe('not begun: timed out after 20 s; its commands were killed');
  expect(await statusesOf(estate)).toEqual(untouched);
  const job = hosts.world.hosts.get(estate.hostnames[0] ?? '')?.jobs.get(`t${subTask}-p0-unpack-0`);
  expect(job?.state).toMatchObject({ state: 'exited', signal: 'SIGTERM' });
});

test('a chunk whose workflow is ended by hand fails its instances, leaves nothing busy, and the next one goes on', async () => {
  const estate = await memoryEstate(world, hosts, 55);
  const id = await startedOnMemory(world, estate);
  hosts.stuck(estate.hostnames.slice(0, 50));
  const subTask = accepted(await upgrade(estate, id, { timeout: 600 }));
  await eventually(async () => (await counts(subTask))['running'] === 10, patience);
  const chunk = world.temporal.workflow.getHandle(`${subTaskWorkflowId(id, 'upgrade', 1)}/chunk/1`);
  await eventually(
    async () => (await resultsOf(world, subTask)).filter(({ step }) => step === 'unpack').length === 10,
    patience,
  );
  await chunk.terminate('by hand');
  expect(await endedTask(world, subTask, 100_000)).toMatchObject({ status: 'failed' });
  const results = await resultsOf(world, subTask);
  expect(await counts(subTask)).toEqual({ failed: 50, finished: 5 });
  expect(results.slice(50).every(({ status }) => status === 'finished')).toBe(true);
  expect(results[0]?.message).toBe(
    'cut short at unpack: the sub-task ended before; whether it runs is not known, look at the host',
  );
  expect(results[49]?.message).toBe('not begun: the sub-task ended before');
  const busy = await world.db
    .selectFrom('instances')
    .select('id')
    .where('applicationId', '=', estate.applicationId)
    .where('busyTaskId', 'is not', null)
    .execute();
  expect(busy).toEqual([]);
  expect((await taskOf(world, id)).status).toBe('running');
});

describe('a plan has a size', () => {
  const long = (count: number, own = ''): string => `# ${own}{{ "x" * ${count} }}`;
  const task = (estate: TestEstate, fields: TaskWish = {}): Promise<number> =>
    makeTask(world, { ...estate, hostnames: [] }, fields);
  const wish = ({ applicationId }: TestEstate) => ({
    application_id: applicationId,
    level: 'A',
    package_source: packagePath('1.0.0'),
    planned_exec_time: 0,
    version: '1',
  });

  test('of at most 8 MiB: a larger one is refused at once where it is made, naming the script', async () => {
    const estate = await memoryEstate(world, hosts, 40);
    const script = await makeScript(world, long(250_000, '{{ instance.id }}'));
    await setHooks(world, estate, { pre_exec: script });
    const refused = await estate.manager.post('/application/deploy-tasks/', wish(estate));
    expect(outcome(refused)).toEqual([400, 10001]);
    const large = {
      field: 'lifecycle_hooks.pre_exec',
      message: expect.stringMatching(
        /^the plan is too large: script "script-.*" renders to more than .* 8 MiB/,
      ) as unknown,
    };
    expect(refused.body['details']).toEqual([large]);
    await setHooks(world, estate, {});
    const [id, open] = [await task(estate), await task(estate)];
    expect(outcome(await approveSeen(world, estate.reviewer, id))).toEqual([200, 0]);
    await setHooks(world, estate, { pre_exec: script });
    const start = await act(estate.manager, id, 'start');
    expect([...outcome(start), start.body['details']]).toEqual([400, 10001, [large]]);
    const change = await estate.manager.patch(taskPath(open), { description: 'once more' });
    expect([...outcome(change), change.body['details']]).toEqual([400, 10001, [large]]);
  });

  test('a text that instances share is in it once; instances come in pages, and the hash is over everything', async () => {
    const estate = await memoryEstate(world, hosts, 43);
    const script = await makeScript(world, long(250_000));
    await setHooks(world, estate, { pre_exec: script, post_exec: script });
    const id = await task(estate, { level: 'I' });
    const plan = await presentPlan(world.db, id, 1);
    if (!plan) throw new Error('the task has a plan');
    expect(Object.keys(plan.hook_texts ?? {})).toHaveLength(1);
    const text = `# ${'x'.repeat(250_000)}`;
    const hash = createHash('sha256').update(text).digest('hex');
    const first = await planned(estate, id);
    expect(first.plan_hash).toBe(planHash(plan));
    expect(planHash({ ...plan, hook_texts: { [hash]: `${text} ` } })).not.toBe(first.plan_hash);
    expect([first.count, first.instances.length, first.prev]).toEqual([43, 10, null]);
    expect(first.hook_texts).toEqual({ [hash]: text });
    const last = await planned(estate, id, '?page=3&page_size=20');
    const address = (page: number): string => `/application/deploy-tasks/${id}/plan/?page=${page}&page_size=20`;
    expect([last.prev, last.next, last.instances.map(({ instance }) => instance)]).toEqual([
      address(2),
      null,
      estate.instanceIds.slice(40),
    ]);
    expect(last.instances[0]?.hooks).toEqual({ pre_exec: hash, post_exec: hash });
    const beyond = await planned(estate, id, '?page=9');
    expect([beyond.instances, beyond.next, beyond.plan_hash]).toEqual([[], null, first.plan_hash]);
    expect((await estate.manager.get(taskPath(id, 'plan/?page=0'))).status).toBe(400);
    const former = await asBefore(world, id);
    expect(former.instances[0]?.hooks.pre_exec).toBe(text);
    const { instances, hook_texts: texts } = await planned(estate, id, '?page_size=2');
    expect([instances.map(({ hooks }) => hooks['pre_exec']), texts]).toEqual([[hash, hash], { [hash]: text }]);
  });

  test('a sub-task keeps a shared text once, and runs it on every instance', async () => {
    const estate = await memoryEstate(world, hosts, 12);
    await setHooks(world, estate, { pre_exec: await makeScript(world, long(100_000)) });
    const id = await startedOnMemory(world, estate);
    const { behaviour } = hosts.world;
    const run: string[] = [];
    hosts.world.behaviour = (control) => {
      if (control.job.id.includes('-pre_exec-')) run.push(control.job.script.content);
      behaviour(control);
    };
    const subTask = accepted(await upgrade(estate, id));
    expect((await endedTask(world, subTask)).status).toBe('finished');
    hosts.world.behaviour = behaviour;
    expect([run.length, new Set(run)]).toEqual([12, new Set([`# ${'x'.repeat(100_000)}`])]);
    const kept = world.db.selectFrom('taskScripts').select('position').where('taskId', '=', subTask);
    expect(await kept.where('content', 'is not', null).execute()).toEqual([{ position: 0 }]);
  });
});
