import { executeChild, ParentClosePolicy } from '@temporalio/workflow';
import { searchAttributes } from '../lib/search-attributes.ts';
import type { Approval } from '../approvals/engine.ts';
import type { Claimed } from '../approvals/contract.ts';
import { subTaskWorkflowId } from './contract.ts';
import type {
  DeployTaskInput,
  SubTaskInput,
  SubTaskKind,
  SubTaskOutcome,
  SubTaskRef,
  SubTaskRequest,
} from './contract.ts';
import type { DeployActivities, DeployRecordActivities } from './ports.ts';
import { revertInstances, upgradeInstances } from './sub-task.ts';

/** Shared by the parts of a deploy task's workflow. */
export interface DeployParts {
  input: DeployTaskInput;
  approval: Approval;
  records: DeployRecordActivities;
  hands: DeployActivities;
}

/** A begun sub-task; `ended` never rejects. */
interface BegunSubTask extends SubTaskRef {
  ended: Promise<SubTaskOutcome>;
}

/** The children of a deploy task, begun by people or by its rollout, each followed to its end. */
export class SubTasks {
  readonly running = new Map<number, string>();
  readonly #parts: DeployParts;
  /** The number of sub-tasks so far; the next one's number follows. */
  count: number;

  constructor(parts: DeployParts) {
    this.#parts = parts;
    this.count = parts.input.carried?.subTasks ?? 0;
  }

  /** To be called under the lock; throws Problem if the sub-task must not run. Calls `after` at its end. */
  async begin(kind: SubTaskKind, request: SubTaskRequest & Claimed, after: () => Promise<void>): Promise<BegunSubTask> {
    const number = this.count + 1;
    const { input, records, approval } = this.#parts;
    const deployTaskId = input.taskId;
    const subTask = await records.createSubTask({ ...request, deployTaskId, kind, number });
    this.count = number;
    const workflowId = subTaskWorkflowId(deployTaskId, kind, number);
    this.running.set(subTask.taskId, workflowId);
    approval.describe();
    return { taskId: subTask.taskId, ended: this.#follow(workflowId, kind, subTask, after) };
  }

  async #follow(
    workflowId: string,
    kind: SubTaskKind,
    subTask: SubTaskInput,
    after: () => Promise<void>,
  ): Promise<SubTaskOutcome> {
    const { input, hands } = this.#parts;
    const { application, creator, level } = input;
    // The outcome of a child terminated by hand is unknown, which is not a success.
    let outcome: SubTaskOutcome = { finished: 0, failed: subTask.instances.length };
    try {
      outcome = await executeChild(kind === 'upgrade' ? upgradeInstances : revertInstances, {
        workflowId,
        args: [subTask],
        parentClosePolicy: ParentClosePolicy.ABANDON,
        staticSummary: `${kind} ${application.fullName} to ${subTask.version} on ${subTask.instances.length} instances`,
        typedSearchAttributes: searchAttributes({
          kind: `sub_${kind}`,
          status: 'running',
          application: application.fullName,
          creator: creator.username,
          level,
        }),
      });
    } catch (error) {
      await hands.settleSubTask({
        taskId: subTask.taskId,
        error: error instanceof Error ? error.message : String(error),
      });
    }
    this.running.delete(subTask.taskId);
    await after();
    return outcome;
  }
}
