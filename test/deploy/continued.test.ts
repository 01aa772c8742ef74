// A deploy task whose history has grown long goes on in another run of its workflow, and nobody notices: here a history is
// long after a few events already.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { localHostFolder } from '../../kit/host-path.ts';
import { stateQuery } from '../../workflows/approvals/contract.ts';
import { deployTaskWorkflowId, reconsiderSignal } from '../../workflows/deploy/contract.ts';
import type { TestUser } from '../support/api/app.ts';
import { eventually } from '../support/harness.ts';
import { bundleWith } from '../support/workflows/replay.ts';
import { endedTask, makeEstate, makeTask, startedTask, taskOf, testWorld } from '../support/world.ts';
import type { TestEstate, World } from '../support/world.ts';
import { accepted, act, outcome, reviewers, traces, upgrade } from '../support/deploy/acts.ts';
import { makeScript, setHooks } from '../support/deploy/hooks.ts';

let world: World;
let admin: TestUser;
beforeAll(async () => {
  const long = 'workflowInfo().continueAsNewSuggested';
  world = await testWorld({
    workflows: await bundleWith('deploy/workflow.ts', long, 'workflowInfo().historyLength > 40'),
  });
  admin = await world.user({ admin: true });
}, 60_000);
afterAll(() => world.close());

const patience = { timeout: 60_000, interval: 50 };
const handleOf = (id: number) => world.temporal.workflow.getHandle(deployTaskWorkflowId(id));
const stateOf = (id: number) => handleOf(id).query(stateQuery);
const runIdOf = async (id: number): Promise<string> => (await handleOf(id).describe()).runId;
const eventsOf = async (id: number) =>
  (await traces(world, id)).events.map(({ event }) => event).filter((event) => event !== 'sub_task');

/** Sends news, which change nothing, until the workflow has gone on in another run. */
async function continued(id: number): Promise<void> {
  const before = await runIdOf(id);
  await eventually(async () => {
    await handleOf(id).signal(reconsiderSignal);
    return (await runIdOf(id)) !== before;
  }, patience);
}

async function freeze({ applicationId }: TestEstate): Promise<number> {
  const [from, until] = [new Date(Date.now() - 60_000), new Date(Date.now() + 3_600_000)];
  const { body } = await admin.post<{ id: number }>('/application/deploy-freezes/', {
    application: applicationId,
    from: from.toISOString(),
    until: until.toISOString(),
    reason: 'the sale',
  });
  return body.id;
}

const brokenFile = (estate: TestEstate, position: number): string =>
  join(localHostFolder(world.config.dataDir, estate.hostnames[position] ?? ''), 'broken');

/** An estate of which these hosts fail until they are mended. */
async function brokenEstate(instances: number, positions: number[]): Promise<TestEstate> {
  const estate = await makeEstate(world, instances);
  for (const position of positions) writeFileSync(brokenFile(estate, position), '');
  await setHooks(world, estate, { pre_exec: await makeScript(world, 'test ! -e "$SLIPWAY_HOST_ROOT/broken"') });
  return estate;
}

test('votes, a held start with who asked for it, and the count of sub-tasks go on', async () => {
  const estate = await brokenEstate(1, [0]);
  const id = await makeTask(world, estate, { level: 'S' });
  const [first, second] = await reviewers(world, estate, 2);
  if (!first || !second) throw new Error('there are two reviewers');
  expect(outcome(await act(first, id, 'approve'))).toEqual([200, 0]);
  await continued(id);
  expect(outcome(await act(first, id, 'approve'))).toEqual([409, 30001]);
  expect(await stateOf(id)).toMatchObject({
    status: 'wait_review',
    approvals: { given: [{ username: first.username }] },
  });
  expect(outcome(await act(second, id, 'approve'))).toEqual([200, 0]);

  const over = await freeze(estate);
  expect(outcome(await act(estate.manager, id, 'start', { reason: 'the new shop' }))).toEqual([200, 0]);
  await continued(id);
  expect(outcome(await act(estate.manager, id, 'start'))).toEqual([409, 30001]);
  expect(await stateOf(id)).toMatchObject({ status: 'approved', waitingOn: { kind: 'freeze' } });
  await admin.delete(`/application/deploy-freezes/${over}/`);
  await eventually(async () => (await taskOf(world, id)).status === 'running', patience);
  expect((await traces(world, id)).events.at(-1)).toMatchObject({
    by: estate.manager.username,
    reason: 'the new shop',
  });

  await continued(id);
  const failed = accepted(await upgrade(estate, id));
  expect(await endedTask(world, failed)).toMatchObject({ status: 'failed' });
  rmSync(brokenFile(estate, 0));
  await continued(id);
  const other = accepted(await upgrade(estate, id));
  await endedTask(world, other);
  const numbers = await world.db.selectFrom('tasks').select(['id', 'number']).where('deployTaskId', '=', id).execute();
  expect(numbers.sort((a, b) => a.id - b.id)).toEqual([
    { id: failed, number: 1 },
    { id: other, number: 2 },
  ]);
  await eventually(async () => (await taskOf(world, id)).status === 'finished', patience);
  expect(await eventsOf(id)).toEqual(['created', 'approved', 'approved', 'held', 'started', 'finished']);
});

test('a rollout goes on with the batches that are left, its failures and its pause', async () => {
  const estate = await brokenEstate(4, [0, 2]);
  const strategy = { mode: 'rolling', batch_size: 1, max_failures: 1, pause_seconds: 5 };
  const id = await startedTask(world, estate, { strategy });
  await eventually(async () => (await taskOf(world, id)).nextBatchTime !== null, patience);
  await continued(id);
  await eventually(async () => (await taskOf(world, id)).paused, patience);
  expect(await taskOf(world, id)).toMatchObject({
    trouble: '1 of 1 instances failed; 2 failures so far, 1 allowed',
  });
  await continued(id);
  expect(outcome(await act(estate.manager, id, 'pause'))).toEqual([409, 10005]);
  for (const position of [0, 2]) rmSync(brokenFile(estate, position));
  expect(outcome(await act(estate.manager, id, 'resume'))).toEqual([200, 0]);
  await eventually(async () => (await taskOf(world, id)).paused, patience);
  const batches = await world.db
    .selectFrom('tasks')
    .innerJoin('taskResults', 'taskResults.taskId', 'tasks.id')
    .select(['taskResults.instanceId', 'number'])
    .where('deployTaskId', '=', id)
    .orderBy('tasks.id')
    .execute();
  expect(batches.map(({ instanceId }) => instanceId)).toEqual(estate.instanceIds);
  expect(batches.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
  await continued(id);
  expect(outcome(await act(estate.manager, id, 'close'))).toEqual([200, 0]);
});
