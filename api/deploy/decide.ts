import type { UpdateDefinition } from '@temporalio/common';
import { deployTask, loadDeployView, policyOf } from '../../db/deploy/tasks.ts';
import type { NamedDeployTask } from '../../db/deploy/tasks.ts';
import { deployTaskWorkflowId } from '../../workflows/deploy/contract.ts';
import type { DeployTaskInput } from '../../workflows/deploy/contract.ts';
import type { DeployView } from '../../workflows/deploy/policy.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import type { Ctx } from '../operations/context.ts';
import { WorkflowMissingError } from '../engine/engine.ts';
import type { WorkflowStart } from '../engine/engine.ts';
import { notFound } from '../operations/permissions.ts';

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

type Gate = (view: DeployView) => Problem | undefined;

/** A task that the caller is known to be allowed to view. */
export async function loadTask(ctx: Pick<Ctx, 'db'>, taskId: number): Promise<NamedDeployTask> {
  const task = await deployTask(ctx.db, taskId);
  if (!task) throw notFound();
  return task;
}

/**
 * Submits a decision to a deploy task's workflow. The gate is first checked against the row, which refuses most invalid
 * decisions without the engine; the workflow checks the same gate again and decides.
 */
export async function decide<R, I>(
  ctx: Ctx,
  taskId: number,
  update: UpdateDefinition<R, [I]>,
  input: I,
  gate: Gate,
): Promise<R> {
  const workflowId = deployTaskWorkflowId(taskId);
  const found = await gated(ctx, taskId, gate);
  if (found instanceof Problem) {
    // The row may already show this request's effect, if its response was lost: the repetition then gets that response.
    const earlier = ctx.repeatable && (await ctx.engine.answerOf(workflowId, ctx.operationId));
    if (earlier) return earlier.answer as R;
    throw found;
  }
  const ask = (): Promise<R> => ctx.engine.update(workflowId, update, input, ctx.operationId);
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof WorkflowMissingError)) throw error;
  }
  // The task has ended meanwhile (then the gate says how), or the engine was unavailable when it was created.
  const now = await gated(ctx, taskId, gate);
  if (now instanceof Problem) throw now;
  if (now.seq > 0) throw new Problem('workflow_lost');
  await ctx.engine.start(deployTaskStart(found));
  try {
    return await ask();
  } catch (error) {
    throw error instanceof WorkflowMissingError ? new Problem('workflow_lost') : error;
  }
}

/** The task, or the reason why its gate is closed. */
async function gated(ctx: Ctx, taskId: number, gate: Gate): Promise<NamedDeployTask | Problem> {
  const task = await loadTask(ctx, taskId);
  return gate(await loadDeployView(ctx.db, task)) ?? task;
}
