import { WorkflowUpdateFailedError } from '@temporalio/client';
import { stateQuery } from '../../workflows/approvals/contract.ts';
import { deployTaskWorkflowId, startUpdate } from '../../workflows/deploy/contract.ts';
import type { DeployTaskInput } from '../../workflows/deploy/contract.ts';
import { skippingEngine } from './time-skipping.ts';
import type { SkippingEngine } from './time-skipping.ts';

let engine: SkippingEngine;
beforeAll(async () => {
  engine = await skippingEngine();
});
afterAll(() => engine.close());

const actor = { id: 1, username: 'li', channel: 'token' } as const;
const activities = {
  completePlan: () => Promise.resolve({ planHash: 'a' }),
  remakePlan: () => Promise.resolve({ planHash: 'a', difference: null }),
  recordTransition: () => Promise.resolve(),
};

test('a task that is planned for next week starts next week, which is now', async () => {
  const planned = new Date((await engine.now()).getTime() + 7 * 24 * 3_600_000);
  const input: DeployTaskInput = {
    taskId: 1,
    application: { id: 1, fullName: 'web' },
    creator: { id: 1, username: 'li' },
    level: 'I',
    version: '1.0.0',
    requiredApprovals: 0,
    plannedExecTime: planned.toISOString(),
  };
  await engine.withWorker(activities, async () => {
    const handle = await engine.client.workflow.start('deployTask', {
      workflowId: deployTaskWorkflowId(1),
      taskQueue: engine.taskQueue,
      args: [input],
    });
    const start = () => handle.executeUpdate(startUpdate, { args: [{ actor, force: false }] });
    await engine.pass('167 hours');
    await expect(start()).rejects.toThrow(WorkflowUpdateFailedError);
    await engine.pass('2 hours');
    await start();
    expect(await handle.query(stateQuery)).toMatchObject({ status: 'running' });
  });
});
