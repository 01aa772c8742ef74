// The minimal upgrade of many instances: the same activities in the same order, ten instances at a time, fifty per workflow;
// without undo, stop or notifications.
import { executeChild, proxyActivities } from '@temporalio/workflow';
import type { DeployActivities, DeployRecordActivities } from '../../workflows/deploy/ports.ts';
import type { SubTaskInput, SubTaskRequest } from '../../workflows/deploy/contract.ts';
import { forEachLimited } from '../../workflows/lib/for-each-limited.ts';

export * from '../../workflows/index.ts';

const { createSubTask, runStep, settleInstance, settleSubTask } = proxyActivities<
  DeployRecordActivities & DeployActivities
>({
  startToCloseTimeout: '10 minutes',
});

const [atOnce, perChild] = [10, 50];
const steps = ['fetch', 'unpack', 'switch', 'start', 'check'] as const;

/** The instances of one child. */
export async function bareUpgrades({ taskId, instances }: SubTaskInput): Promise<void> {
  await forEachLimited(instances, atOnce, async ({ position }) => {
    for (const step of steps) await runStep({ taskId, position, step });
    await settleInstance({ taskId, position, status: 'finished', step: null, message: null, undone: true });
  });
}

export async function bareRollout(request: SubTaskRequest & { deployTaskId: number; name: string }): Promise<number> {
  const { name, ...wish } = request;
  const task = await createSubTask({ ...wish, kind: 'upgrade', number: 1 });
  for (let start = 0; start < task.instances.length; start += perChild) {
    const input = { ...task, instances: task.instances.slice(start, start + perChild) };
    await executeChild(bareUpgrades, { workflowId: `${name}/${start / perChild + 1}`, args: [input] });
  }
  await settleSubTask({ taskId: task.taskId, error: null });
  return task.taskId;
}
