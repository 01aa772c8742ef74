// A new version of the workflows takes over what waits: people go on deciding, and nothing of it knows the difference.
import { startWorker } from '../../activities/worker.ts';
import { createLogger } from '../../kit/log.ts';
import { stateQuery } from '../../workflows/approvals/contract.ts';
import { deployTaskWorkflowId } from '../../workflows/deploy/contract.ts';
import { eventually, temporalAddress } from '../support/harness.ts';
import { makeEstate, makeTask, taskOf, testWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';
import { bundleWith } from '../support/workflows/replay.ts';
import { act, outcome } from '../support/deploy/acts.ts';

let world: World;
beforeAll(async () => {
  world = await testWorld();
});
afterAll(async () => {
  // The one that has taken over.
  await world.worker.stop();
  await world.close();
});

const imported = "import { condition, isCancellation } from '@temporalio/workflow';";
const changed =
  "import { condition as waited, isCancellation, patched, sleep } from '@temporalio/workflow';\n" +
  'async function condition(fn: () => boolean): Promise<void> {\n' +
  "  if (patched('another-bundle')) await sleep(1);\n" +
  '  return waited(fn);\n}\n';

test('a hundred waiting tasks are shown and approved under another bundle', async () => {
  const estate = await makeEstate(world, 1);
  const ids: number[] = [];
  for (let round = 0; round < 10; round += 1)
    ids.push(...(await Promise.all(Array.from({ length: 10 }, () => makeTask(world, estate)))));
  await world.worker.stop();
  world.worker = await startWorker(
    world.config,
    createLogger({ logLevel: 'error' }, 'test'),
    { databaseUrl: world.database.url, temporalAddress: temporalAddress() },
    { workflows: await bundleWith('deploy/start.ts', imported, changed) },
  );
  const states = await Promise.all(
    ids.map((id) => world.temporal.workflow.getHandle(deployTaskWorkflowId(id)).query(stateQuery)),
  );
  expect(states.map(({ status }) => status)).toEqual(ids.map(() => 'wait_review'));
  const answers = await Promise.all(ids.map((id) => act(estate.reviewer, id, 'approve')));
  expect(answers.map(outcome)).toEqual(ids.map(() => [200, 0]));
  const [first = 0] = ids;
  await act(estate.manager, first, 'start');
  await eventually(async () => (await taskOf(world, first)).status === 'running', { timeout: 30_000 });
});
