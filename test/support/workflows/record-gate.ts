// Records histories of what holds between votes and machines: see record.ts.
//   npx jest --testMatch '**/test/support/workflows/record-gate.ts'
import { deployTaskWorkflowId } from '../../../workflows/deploy/contract.ts';
import { act, approveSeen, outcome, reviewers, signed, taskPath } from '../deploy/acts.ts';
import { eventually } from '../harness.ts';
import { makeEstate, makeTask, placePackage, taskOf, testWorld } from '../world.ts';
import type { World } from '../world.ts';
import { saveHistory } from './save-history.ts';

let world: World;
beforeAll(async () => {
  world = await testWorld();
});
afterAll(() => world.close());

const recordTask = (name: string, id: number): Promise<void> => saveHistory(world, name, deployTaskWorkflowId(id));
async function done(answer: ReturnType<typeof act>): Promise<void> {
  expect(outcome(await answer)[1]).toBe(0);
}

test('a rollout whose voter is dismissed between two batches', async () => {
  const estate = await makeEstate(world, 2);
  const [other] = await reviewers(world, estate, 1);
  const strategy = { mode: 'rolling', batch_size: 1, pause_seconds: 3 };
  const id = await makeTask(world, estate, { strategy });
  await done(act(estate.reviewer, id, 'approve'));
  await done(act(estate.manager, id, 'start'));
  await eventually(async () => (await taskOf(world, id)).nextBatchTime !== null, { timeout: 60_000 });
  await world.db.updateTable('users').set({ status: 'disabled' }).where('id', '=', estate.reviewer.id).execute();
  await eventually(async () => (await taskOf(world, id)).status === 'wait_review', { timeout: 60_000 });
  await done(estate.manager.patch(taskPath(id), { description: 'once more' }));
  if (other) await done(approveSeen(world, other, id));
  await done(act(estate.manager, id, 'start'));
  await eventually(async () => (await taskOf(world, id)).status === 'finished', { timeout: 60_000 });
  await recordTask('deploy-sent-back', id);
}, 240_000);

test('messages with and without proof', async () => {
  const estate = await makeEstate(world, 1);
  const id = await makeTask(world, estate);
  const handle = world.temporal.workflow.getHandle(deployTaskWorkflowId(id));
  const message = { decision: 'approve', actor: estate.reviewer.username, channel: 'chat', messageId: 'm-1' };
  await handle.signal('decide', message);
  await handle.signal('decide', signed(world, id, message));
  await eventually(async () => (await taskOf(world, id)).status === 'approved', { timeout: 30_000 });
  await handle.signal('decide', signed(world, id, message));
  await done(act(estate.manager, id, 'close'));
  await recordTask('deploy-signed', id);
}, 120_000);

test('a package that can be read later', async () => {
  const estate = await makeEstate(world, 1);
  const id = await makeTask(world, estate, { package_source: '/packages/web-later.tar.gz' });
  await done(estate.manager.patch(taskPath(id), { description: 'it comes' }));
  await placePackage(world, estate, 'later');
  await eventually(async () => (await taskOf(world, id)).planRound === 3, { timeout: 60_000 });
  await done(approveSeen(world, estate.reviewer, id));
  await done(act(estate.manager, id, 'close'));
  await recordTask('deploy-read-later', id);
}, 120_000);
