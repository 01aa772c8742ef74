import { reconsiderTopic, waitingTasks } from '../../db/deploy/waiting-tasks.ts';
import { deployTaskWorkflowId } from '../../workflows/deploy/contract.ts';
import { eventually } from '../support/harness.ts';
import { endedTask, makeEstate, makeTask, startedTask, taskOf, testWorld } from '../support/world.ts';
import type { TestEstate, World } from '../support/world.ts';
import type { TestUser } from '../support/api/app.ts';
import { accepted, act, outcome, taskPath, traces, upgrade } from '../support/deploy/acts.ts';

let world: World;
let admin: TestUser;
beforeAll(async () => {
  world = await testWorld();
  admin = await world.user({ admin: true });
});
afterAll(() => world.close());

const root = '/application/deploy-freezes/';
const patience = { timeout: 60_000 };
const inHours = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();

async function freeze(over: object, hours = 5): Promise<number> {
  const period = { from: inHours(-1), until: inHours(hours), reason: 'the sale' };
  const { body, status } = await admin.post<{ id: number }>(root, { ...period, ...over });
  expect(status).toBe(201);
  return body.id;
}

const overEstate = ({ applicationId }: TestEstate, hours?: number) => freeze({ application: applicationId }, hours);
const show = async (estate: TestEstate, id: number) => (await estate.manager.get(taskPath(id))).body;
const start = (estate: TestEstate, id: number, body?: object) => act(estate.manager, id, 'start', body);
const starts = (id: number) => eventually(async () => (await taskOf(world, id)).status === 'running', patience);
const eventsOf = async (id: number) => (await traces(world, id)).events.map(({ event }) => event);
const ready = (estate: TestEstate, wish: object = {}) => makeTask(world, estate, { level: 'I', ...wish });

test('a start inside a freeze is accepted, held, and resumes when the last freeze over it ends', async () => {
  const estate = await makeEstate(world, 1);
  const [first, second] = [await overEstate(estate), await overEstate(estate, 9)];
  const id = await ready(estate);
  expect(outcome(await start(estate, id, { reason: 'the new shop' }))).toEqual([200, 0]);
  const { until } = (await admin.get(`${root}${second}/`)).body;
  expect(await show(estate, id)).toMatchObject({
    status: 'approved',
    held_by: second,
    started_time: null,
    waiting_on: { kind: 'freeze', until, users: [estate.manager.username] },
  });
  expect(outcome(await start(estate, id))).toEqual([409, 30001]);
  expect((await admin.delete(`${root}${second}/`)).status).toBe(200);
  await eventually(async () => (await taskOf(world, id)).heldBy === first, patience);
  // Shortened to the past is ended.
  expect((await admin.patch(`${root}${first}/`, { until: inHours(-0.5) })).status).toBe(200);
  await starts(id);
  expect(await taskOf(world, id)).toMatchObject({ heldBy: null });
  const { events } = await traces(world, id);
  expect(events.map(({ event }) => event)).toEqual(['created', 'held', 'held', 'started']);
  expect(events.at(-1)).toMatchObject({ by: estate.manager.username, reason: 'the new shop' });
});

test('a held task may be closed, and stays so when the freeze ends', async () => {
  const estate = await makeEstate(world, 1);
  const over = await overEstate(estate);
  const id = await ready(estate);
  await start(estate, id);
  expect(outcome(await act(estate.manager, id, 'close'))).toEqual([200, 0]);
  await admin.delete(`${root}${over}/`);
  await world.temporal.workflow.getHandle(deployTaskWorkflowId(id)).result();
  expect(await taskOf(world, id)).toMatchObject({ status: 'closed', startedTime: null, heldBy: null });
});

test('its owner goes through a freeze with override_freeze and a reason, and without one of them does not', async () => {
  const estate = await makeEstate(world, 1);
  const over = await overEstate(estate);
  const id = await ready(estate);
  expect(outcome(await start(estate, id, { override: true, reason: 'urgent' }))).toEqual([403, 10003]);
  const right = { scope: 'system' as const, objectId: 0, userId: estate.manager.id, roleId: null };
  for (const permission of ['enable_app_mgmt', 'override_freeze'])
    await world.db
      .insertInto('grants')
      .values({ ...right, permission })
      .execute();
  expect(outcome(await start(estate, id, { override: true }))).toEqual([400, 10001]);
  expect(outcome(await start(estate, id, { override: true, reason: ' ' }))).toEqual([400, 10001]);
  expect(outcome(await start(estate, id))).toEqual([200, 0]);
  expect(outcome(await start(estate, id, { override: true, reason: 'urgent' }))).toEqual([200, 0]);
  expect(await show(estate, id)).toMatchObject({ status: 'running', held_by: null });
  const { audit } = await traces(world, id);
  expect(audit.at(-1)?.detailEn).toContain(`freeze ${over} overridden: urgent`);
});

test('a production and everything freeze too; another application, or another time, does not', async () => {
  const [estate, other] = [await makeEstate(world, 1), await makeEstate(world, 1)];
  const line = { name: `line-${estate.name}`, creator: 'test' };
  const { id: productionId } = await world.db
    .insertInto('productions')
    .values(line)
    .returning('id')
    .executeTakeFirstOrThrow();
  await world.db.updateTable('applications').set({ productionId }).where('id', '=', estate.applicationId).execute();
  await overEstate(other);
  const period = { from: inHours(1), until: inHours(2), reason: 'later' };
  await admin.post(root, { ...period, application: estate.applicationId });
  const line_ = await freeze({ production: productionId });
  const id = await ready(estate);
  await start(estate, id);
  expect(await taskOf(world, id)).toMatchObject({ status: 'approved', heldBy: line_ });
  const all = await freeze({}, 12);
  await eventually(async () => (await taskOf(world, id)).heldBy === all, patience);
  await admin.delete(`${root}${line_}/`);
  await admin.delete(`${root}${all}/`);
  await starts(id);
});

test('it starts automatically at its planned time, or at the approval if that is later', async () => {
  const estate = await makeEstate(world, 1);
  const early = await makeTask(world, estate, { auto_start: true });
  expect(await show(estate, early)).toMatchObject({ auto_start: true, status: 'wait_review' });
  await act(estate.reviewer, early, 'approve');
  await starts(early);
  await act(estate.manager, early, 'close');
  const soon = await ready(estate, { auto_start: true, planned_exec_time: new Date(Date.now() + 4_000).toISOString() });
  await starts(soon);
  const task = await taskOf(world, soon);
  expect(task.startedTime?.getTime()).toBeGreaterThanOrEqual(task.plannedExecTime.getTime());
  expect((await traces(world, soon)).events.at(-1)).toEqual({
    event: 'started',
    by: 'system',
    reason: 'at its planned time',
  });
});

test('an automatic start waits for a freeze, and for the other running task', async () => {
  const estate = await makeEstate(world, 1);
  const running = await startedTask(world, estate);
  const over = await overEstate(estate);
  const id = await ready(estate, { auto_start: true });
  await eventually(async () => (await taskOf(world, id)).heldBy === over, patience);
  await admin.delete(`${root}${over}/`);
  const inFront = {
    held_by: null,
    waiting_on: { kind: 'start', text: `it starts automatically after task ${running}` },
  };
  await eventually(async () => expect(await show(estate, id)).toMatchObject(inFront), patience);
  await act(estate.manager, running, 'close');
  await world.temporal.workflow.getHandle(deployTaskWorkflowId(id)).signal('reconsider');
  await starts(id);
});

test('a held start whose freeze has ended hears of the end of the other running task', async () => {
  const estate = await makeEstate(world, 1);
  const running = await startedTask(world, estate);
  const over = await overEstate(estate);
  const id = await ready(estate);
  expect(outcome(await start(estate, id))).toEqual([200, 0]);
  await admin.delete(`${root}${over}/`);
  await eventually(async () => (await taskOf(world, id)).heldBy === null, patience);
  expect(await taskOf(world, id)).toMatchObject({ status: 'approved' });
  // It is among those that the relay of an API process tells.
  expect(await waitingTasks(world.db, { applicationId: estate.applicationId, productionId: null })).toEqual([id]);
  expect(outcome(await act(estate.manager, running, 'close'))).toEqual([200, 0]);
  const told = await world.db.selectFrom('outbox').select('topic').where('topic', '=', reconsiderTopic).execute();
  expect(told.length).toBeGreaterThan(0);
  await world.temporal.workflow.getHandle(deployTaskWorkflowId(id)).signal('reconsider');
  await starts(id);
});

test('any other refusal is audited, shown, and not repeated', async () => {
  const estate = await makeEstate(world, 1);
  const over = await overEstate(estate);
  const id = await ready(estate, { auto_start: true });
  await eventually(async () => (await taskOf(world, id)).heldBy === over, patience);
  await world.db
    .updateTable('deploySettings')
    .set({ enabled: false })
    .where('applicationId', '=', estate.applicationId)
    .execute();
  await admin.delete(`${root}${over}/`);
  await eventually(async () => (await taskOf(world, id)).trouble !== null, patience);
  const error = 'deploying is disabled in the deploy settings';
  expect(await show(estate, id)).toMatchObject({
    status: 'approved',
    auto_start: false,
    error,
    waiting_on: { kind: 'start' },
  });
  const refused = (await traces(world, id)).audit.filter((one) => one.outcome === 'refused');
  expect(refused.map((one) => one.detailEn)).toEqual([`deploy task ${id}: its automatic start was refused: ${error}`]);
});

test('an owner who has lost deploy_app is not started for', async () => {
  const estate = await makeEstate(world, 1);
  const over = await overEstate(estate);
  const id = await ready(estate);
  await start(estate, id);
  await world.db
    .deleteFrom('grants')
    .where('userId', '=', estate.manager.id)
    .where('permission', '=', 'deploy_app')
    .execute();
  await admin.delete(`${root}${over}/`);
  await eventually(async () => (await taskOf(world, id)).trouble === 'not allowed: deploy_app', patience);
  expect(await taskOf(world, id)).toMatchObject({ status: 'approved', heldBy: null });
});

test('a rollout stops before its next batch, and goes on when the freeze ends', async () => {
  const estate = await makeEstate(world, 2);
  const strategy = { mode: 'rolling', pause_seconds: 3 };
  const id = await startedTask(world, estate, { strategy });
  await eventually(async () => (await taskOf(world, id)).nextBatchTime !== null, patience);
  const over = await overEstate(estate);
  await eventually(async () => (await taskOf(world, id)).heldBy === over, patience);
  expect(await show(estate, id)).toMatchObject({ status: 'running', held_by: over, waiting_on: { kind: 'freeze' } });
  await admin.delete(`${root}${over}/`);
  await eventually(async () => (await taskOf(world, id)).status === 'finished', patience);
  expect((await eventsOf(id)).filter((event) => event !== 'sub_task')).toEqual([
    'created',
    'started',
    'held',
    'resumed',
    'finished',
  ]);
});

test('sub-tasks that run go on through a freeze', async () => {
  const estate = await makeEstate(world, 1);
  const id = await startedTask(world, estate);
  const task = accepted(await upgrade(estate, id));
  await overEstate(estate);
  expect((await endedTask(world, task)).status).toBe('finished');
  await eventually(async () => (await taskOf(world, id)).status === 'finished', patience);
});
