import { sql } from 'kysely';
import type { Kysely, SqlBool, Transaction } from 'kysely';
import type { SettleInput } from '../../workflows/deploy/contract.ts';
import { workflowActor } from '../../workflows/tasks/contract.ts';
import { noteDeployed } from '../applications/commands.ts';
import type { Database } from '../database.ts';
import { json } from '../core/jsonb.ts';
import { notifyOutput } from '../tasks/output.ts';
import { finishTask } from '../tasks/finish.ts';
import { closeResult } from '../tasks/results.ts';
import type { TaskResultRow, TaskRow } from '../tasks/tables.ts';
import type { SubTaskSetup } from './sub-tasks.ts';
import { addEvent } from '../approvals/votes.ts';
import { deployTable, deployTask } from './tasks.ts';
import { recordDeployStep } from './transitions.ts';

/** The outcome of an instance; `runs`: after a failed undo, whether its host sees it running; null: unknown. */
type InstanceEnd = SettleInput & { runs: boolean | null };

/** Said of an instance that is recorded as unknown. */
export const notKnown = 'whether it runs is not known';

/** Records an instance's outcome and releases it; idempotent. */
export async function settleInstance(db: Kysely<Database>, input: InstanceEnd, dropped: string[]): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const result = await closeResult(tx, input);
    if (!result) return;
    const task = await tx.selectFrom('tasks').selectAll().where('id', '=', input.taskId).executeTakeFirstOrThrow();
    await freeInstance(tx, task, result, input, dropped);
    await notifyOutput(tx, input.taskId);
  });
}

async function freeInstance(
  tx: Transaction<Database>,
  task: TaskRow,
  result: TaskResultRow,
  { status, undone, runs }: InstanceEnd,
  dropped: string[],
): Promise<void> {
  const free = { busyKind: null, busyTaskId: null, updatedTime: new Date() };
  const update = tx.updateTable('instances').where('id', '=', result.instanceId).where('busyTaskId', '=', task.id);
  if (status === 'failed') {
    const before = result.previousStatus ?? 'stopped';
    const found = runs ? ('running' as const) : ('stopped' as const);
    await update.set({ ...free, status: undone ? before : runs === null ? 'unknown' : found }).execute();
    return;
  }
  const { releases } = await tx
    .selectFrom('instances')
    .select('releases')
    .where('id', '=', result.instanceId)
    .executeTakeFirstOrThrow();
  const kept = keptReleases(releases, task.version ?? '').filter((version) => !dropped.includes(version));
  await update.set({ ...free, status: 'running', version: task.version, releases: json(kept) }).execute();
  await noteDeployed(tx, { ...result, applicationId: task.applicationId }, task.opts as unknown as SubTaskSetup);
}

/** The current release first, then earlier ones. */
export const keptReleases = (releases: string[], present: string): string[] => [
  present,
  ...releases.filter((version) => version !== present),
];

/** Ends a sub-task: `finished` if every instance is; what never began, or was cut short, is failed and free again. False: it had ended. */
export const settleSubTask = (db: Kysely<Database>, taskId: number, error: string | null): Promise<boolean> =>
  finishTask(db, {
    taskId,
    error,
    close: async (tx, task, open) => {
      for (const one of open) {
        const input = cutShort(one, error ?? 'the sub-task ended before');
        const result = await closeResult(tx, input);
        if (result) await freeInstance(tx, task, result, input, []);
      }
    },
    record: recordEnd,
  });

/** Steps that do not affect running processes. */
const harmless: readonly (string | null)[] = [null, 'fetch', 'global_pre_exec', 'pre_exec'];

/** Of an instance that no workflow takes to its end any more; what it was in the middle of is for a person to look at. */
function cutShort({ taskId, position, status, step }: TaskResultRow, why: string): InstanceEnd {
  const undone = harmless.includes(step);
  const look = undone ? 'look at the host' : `${notKnown}, look at the host`;
  const message = status === 'waiting' ? `not begun: ${why}` : `cut short at ${step ?? ''}: ${why}; ${look}`;
  return { taskId, position, status: 'failed', step, message, undone, runs: null };
}

async function recordEnd(tx: Transaction<Database>, task: TaskRow, status: string): Promise<void> {
  const deploy = task.deployTaskId === null ? undefined : await deployTask(tx, task.deployTaskId);
  if (!deploy) return;
  const reason = `${task.kind} to ${task.version ?? ''}, task ${task.id}: ${status}`;
  await addEvent(tx, {
    kind: deployTable.kind,
    requestId: deploy.id,
    event: 'sub_task',
    by: 'system',
    reason,
    channel: 'workflow',
  });
  await recordDeployStep(tx, workflowActor, deploy, 'sub_task', { reason });
}

interface Judgement {
  /** Every remaining instance of the plan runs the version. */
  complete: boolean;
  outcome: 'finished' | 'failed';
}

/** How a running deploy task would end now. */
export async function judgeDeploy(db: Kysely<Database>, deployTaskId: number): Promise<Judgement> {
  const task = await db.selectFrom('deployTasks').selectAll().where('id', '=', deployTaskId).executeTakeFirstOrThrow();
  const instances = await db
    .selectFrom('instances')
    .select(['id', 'version', 'status'])
    .where('applicationId', '=', task.applicationId)
    .where(
      sql<SqlBool>`instances.id in (select jsonb_path_query(plan, '$.instances[*].instance')::bigint
        from deploy_plans where deploy_task_id = ${deployTaskId} and round = ${task.planRound})`,
    )
    .execute();
  const results = await db
    .selectFrom('taskResults')
    .innerJoin('tasks', 'tasks.id', 'taskResults.taskId')
    .select(['taskResults.instanceId', 'taskResults.status', 'tasks.kind'])
    .where('tasks.deployTaskId', '=', deployTaskId)
    .orderBy('tasks.id')
    .execute();
  const upgraded = results.some(({ kind, status }) => kind === 'upgrade' && status === 'finished');
  const last = new Map(results.map(({ instanceId, status }) => [instanceId, status]));
  const halfWay = [...last.values()].some((status) => status !== 'finished');
  const onVersion = instances.filter(({ version, status }) => version === task.version && status === 'running');
  return {
    complete: upgraded && instances.length > 0 && onVersion.length === instances.length,
    outcome: upgraded && !halfWay ? 'finished' : 'failed',
  };
}
