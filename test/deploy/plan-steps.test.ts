// What people approve says truthfully what may be stopped, and tasks that waited before it did so are approved and started.
import { planHash } from '../../db/deploy/plan.ts';
import { presentPlan } from '../../db/deploy/tasks.ts';
import { makeEstate, makeTask, taskOf, testWorld } from '../support/world.ts';
import type { TestEstate, World } from '../support/world.ts';
import { act, outcome, taskPath } from '../support/deploy/acts.ts';

let world: World;
beforeAll(async () => {
  world = await testWorld();
});
afterAll(() => world.close());

interface Shown {
  plan_hash: string;
  instances: { steps: string[]; conditions: Record<string, string> }[];
}

const shownTo = async ({ manager }: TestEstate, id: number, headers = {}) =>
  (await manager.get<Shown>(taskPath(id, 'plan/'), headers)).body;
const commands = ({ applicationId }: TestEstate, set: { stopCmd?: string; pidPath?: string }) =>
  world.db.updateTable('applications').set(set).where('id', '=', applicationId).execute();

const everything = ['fetch', 'stop', 'unpack', 'switch', 'start', 'check'];
const unconditional = { steps: everything, conditions: {} };

test('`stop` is in the plan of what is recorded as stopped too, with its condition in words, in both languages', async () => {
  const estate = await makeEstate(world, 2);
  const [first = 0] = estate.instanceIds;
  await world.db.updateTable('instances').set({ status: 'running' }).where('id', '=', first).execute();
  const id = await makeTask(world, estate);
  expect((await shownTo(estate, id)).instances).toMatchObject([
    unconditional,
    {
      steps: everything,
      conditions: { stop: 'not recorded as running: the host is checked, and it is stopped only if it runs' },
    },
  ]);
  const chinese = await shownTo(estate, id, { 'accept-language': 'zh' });
  expect(chinese.instances[1]?.conditions).toEqual({ stop: '未记录为运行中: 将询问主机, 仅在运行时停止' });
});

test('without a pid file it says what is done instead, and without a stop command there is no such step', async () => {
  const estate = await makeEstate(world, 1);
  await commands(estate, { pidPath: '' });
  const [instance] = (await shownTo(estate, await makeTask(world, estate))).instances;
  expect(instance?.conditions['stop']).toContain('the stop command is run anyway');
  await commands(estate, { stopCmd: '' });
  expect((await shownTo(estate, await makeTask(world, estate))).instances).toMatchObject([
    { steps: everything.filter((step) => step !== 'stop'), conditions: {} },
  ]);
});

test('the plan that votes are bound to is as it was before: a task that waited since is approved and started', async () => {
  const estate = await makeEstate(world, 1);
  const id = await makeTask(world, estate);
  const { plan_hash: shown } = await shownTo(estate, id);
  const plan = await presentPlan(world.db, id, 1);
  if (!plan) throw new Error('the task has a plan');
  // As it was made when nothing was said of conditions.
  const [instance] = plan.instances;
  expect(Object.keys(instance ?? {}).sort()).toEqual([
    'hooks',
    'hostname',
    'instance',
    'machine',
    'new_version',
    'present_version',
    'steps',
  ]);
  expect(instance?.steps).toEqual(everything.filter((step) => step !== 'stop'));
  expect(planHash(plan)).toBe(shown);
  expect(outcome(await act(estate.reviewer, id, 'approve', { plan_hash: shown }))).toEqual([200, 0]);
  expect(outcome(await act(estate.manager, id, 'start'))).toEqual([200, 0]);
  expect(await taskOf(world, id)).toMatchObject({ status: 'running', planHash: shown, planRound: 1 });
});
