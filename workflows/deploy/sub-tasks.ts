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

/** What the parts of a deploy task's workflow share. */
export interface DeployParts {
  input: DeployTaskInput;
  approval: Approval;
  records: DeployRecordActivities;
  hands: DeployActivities;
}

/** A sub-task that has begun; `ended` never rejects. */
export interface BegunSubTask extends SubTaskRef {
  ended: Promise<SubTaskOutcome>;
}

/** The children of a deploy task: begun by people or by its rollout, each followed to its end. */
export class SubTasks {
  readonly running = new Map<number, string>();
  readonly #parts: DeployParts;
  /** How many there were; the next one's number follows. */
  count: number;

  constructor(parts: DeployParts) {
    this.#parts = parts;
    this.count = parts.input.carried?.subTasks ?? 0;
  }

  /** To be called alone; throws the Problem of a sub-task that must not run. `after` is called at its end. */
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
    // Of a child that was ended by hand it is not known what it has done, which is no success.
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
