import { policyOf } from '../../db/approvals/votes.ts';
import { deployTask, loadDeployView } from '../../db/deploy/tasks.ts';
import type { NamedDeployTask } from '../../db/deploy/tasks.ts';
import { deployTaskWorkflowId } from '../../workflows/deploy/contract.ts';
import type { DeployTaskInput } from '../../workflows/deploy/contract.ts';
import type { DeployView } from '../../workflows/deploy/policy.ts';
import type { Decidable } from '../approvals/decide.ts';
import type { WorkflowStart } from '../engine/engine.ts';

/** The start of a newly created deploy task's workflow. */
export function deployTaskStart(task: NamedDeployTask): WorkflowStart {
  const { id, fullName, creator, level, version } = task;
  const input: DeployTaskInput = {
    taskId: id,
    application: { id: task.applicationId, fullName },
    creator: { id: task.creatorId, username: creator },
    level,
    version,
    requiredApprovals: task.requiredApprovals,
    policy: policyOf(task),
    createdTime: task.createdTime.toISOString(),
    plannedExecTime: task.plannedExecTime.toISOString(),
    ...(task.autoStart && { autoStart: true }),
    ...(task.strategy !== null && { rolling: true }),
  };
  return {
    workflow: 'deployTask',
    workflowId: deployTaskWorkflowId(id),
    input,
    summary: `deploy ${fullName} ${version} (level ${level}) by ${creator}`,
    attributes: { kind: 'deploy_task', status: task.status, application: fullName, creator, level },
  };
}

/** Deploy tasks, as decisions need them. */
export const deployTasks: Decidable<NamedDeployTask, DeployView> = {
  load: deployTask,
  view: loadDeployView,
  start: deployTaskStart,
};
