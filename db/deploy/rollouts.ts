// Reads and writes of automatic rollouts besides their transitions.
import { sql } from 'kysely';
import type { Kysely, Transaction } from 'kysely';
import { batchesOf } from '../../workflows/deploy/contract.ts';
import type { Obstacles, RolloutPlan, WaitShown } from '../../workflows/deploy/contract.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { workflowActor } from '../../workflows/tasks/contract.ts';
import { recordRefusalIn } from '../audit/refusals.ts';
import type { Database } from '../database.ts';
import { freezeOver } from './freezes.ts';
import { deployTask, presentPlan, deployTable } from './tasks.ts';
import type { NamedDeployTask } from './tasks.ts';
import type { Reason } from '../../workflows/problems/problem.ts';
import { renderReason } from '../../kit/messages/message.ts';
import { auditText, inBoth } from '../../kit/messages/audit-text.ts';
import { quote } from '../audit/text.ts';

async function taskOf(db: Kysely<Database>, taskId: number): Promise<NamedDeployTask> {
  const task = await deployTask(db, taskId);
  if (!task) throw new Problem('no_such', { thing: 'deploy task', id: taskId });
  return task;
}

/** The obstacles that block a task at a moment. */
export async function findObstacles(db: Kysely<Database>, taskId: number, at: Date): Promise<Obstacles> {
  const { applicationId } = await taskOf(db, taskId);
  const freeze = await freezeOver(db, applicationId, at);
  const other = await db
    .selectFrom('deployTasks')
    .select('id')
    .where('applicationId', '=', applicationId)
    .where('status', '=', 'running')
    .where('id', '!=', taskId)
    .executeTakeFirst();
  const held = freeze ? { id: freeze.id, until: freeze.untilTime.toISOString() } : null;
  return { freeze: held, running: other?.id ?? null };
}

/** Records an automatic start that was refused: shown, audited, and not retried. Idempotent. */
export const recordRefusedStart = (db: Kysely<Database>, taskId: number, problem: Reason): Promise<void> =>
  db.transaction().execute((tx) => refuseStart(tx, taskId, problem));

async function refuseStart(tx: Transaction<Database>, taskId: number, problem: Reason): Promise<void> {
  const trouble = renderReason(problem, 'en');
  const { numUpdatedRows } = await tx
    .updateTable('deployTasks')
    .set({ autoStart: false, heldBy: null, trouble })
    .where('id', '=', taskId)
    .where('status', 'in', ['approved', 'wait_review'])
    .where(sql<boolean>`(auto_start or held_by is not null or trouble is distinct from ${trouble})`)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return;
  const task = await taskOf(tx, taskId);
  await recordRefusalIn(tx, workflowActor, {
    view: 'app',
    area: 'deploy',
    opType: 'update',
    targetType: deployTable.kind,
    targetId: task.id,
    targetName: task.fullName,
    detail: auditText('start_refused', { id: task.id, why: inBoth(problem, quote) }),
  });
}

/** The rollout of the approved plan. */
export async function planRollout(db: Kysely<Database>, taskId: number): Promise<RolloutPlan> {
  const task = await taskOf(db, taskId);
  const plan = await presentPlan(db, taskId, task.planRound);
  if (!plan?.strategy) throw new Problem('not_rolling');
  const { strategy, timeout = 120, instances } = plan;
  const ids = instances.map(({ instance }) => instance);
  return { strategy, timeoutSeconds: timeout, packageSource: plan.package.source, batches: batchesOf(ids, strategy) };
}

/** What a task shows that it waits for. */
export async function recordWait(db: Kysely<Database>, { taskId, heldBy, nextBatchTime }: WaitShown): Promise<void> {
  const columns = {
    ...(heldBy !== undefined && { heldBy }),
    ...(nextBatchTime !== undefined && { nextBatchTime: nextBatchTime === null ? null : new Date(nextBatchTime) }),
  };
  await db.updateTable('deployTasks').set(columns).where('id', '=', taskId).execute();
}

/** Instances that this task has brought to its version and that are still on it, by the version from before. */
export async function listUpgraded(
  db: Kysely<Database>,
  taskId: number,
): Promise<{ version: string | null; instanceIds: number[] }[]> {
  const { rows } = await sql<{ version: string | null; instanceIds: number[] }>`
    with first as (
      select distinct on (task_results.instance_id) task_results.instance_id, task_results.previous_version
      from tasks join task_results on task_results.task_id = tasks.id
      where tasks.deploy_task_id = ${taskId} and tasks.kind = 'upgrade' and task_results.status = 'finished'
      order by task_results.instance_id, tasks.id)
    select first.previous_version as version, json_agg(instances.id order by instances.id) as instance_ids
    from first join instances on instances.id = first.instance_id
    join deploy_tasks on deploy_tasks.id = ${taskId} and instances.version = deploy_tasks.version
    where first.previous_version is distinct from deploy_tasks.version
    group by first.previous_version order by first.previous_version`.execute(db);
  return rows;
}

/** The instances that a sub-task has finished, with what a probe needs of their hosts. */
export const finishedInstances = (db: Kysely<Database>, subTaskId: number) =>
  db
    .selectFrom('taskResults')
    .innerJoin('hosts', 'hosts.id', 'taskResults.hostId')
    .select(['hosts.name as hostname', 'hosts.ipAddress', 'hosts.runner', 'taskResults.machine'])
    .where('taskResults.taskId', '=', subTaskId)
    .where('taskResults.status', '=', 'finished')
    .orderBy('taskResults.position')
    .execute();
