// An instance task takes its instances and stores its setup in the request's transaction; its workflow releases them one by
// one. Later changes of the application's commands do not affect a running task.
import type { Kysely, Transaction } from 'kysely';
import type { InstanceAction, InstanceEnd } from '../../workflows/applications/contract.ts';
import { workflowActor } from '../../workflows/tasks/contract.ts';
import { record } from '../audit/record.ts';
import { quote } from '../audit/text.ts';
import type { Database } from '../database.ts';
import type { SubTaskSetup } from '../deploy/sub-tasks.ts';
import type { InstanceRow } from '../inventory/tables.ts';
import { json } from '../core/jsonb.ts';
import { insertRows } from '../core/row-batches.ts';
import { notifyOutput } from '../tasks/output.ts';
import { finishTask } from '../tasks/finish.ts';
import { closeResult } from '../tasks/results.ts';
import type { ResultEnd } from '../tasks/results.ts';
import type { TaskResultRow, TaskRow } from '../tasks/tables.ts';
import { auditText, auditWord } from '../../kit/messages/audit-text.ts';

/** Instances with their hosts, the instances locked in an order that cannot deadlock. */
export const lockInstances = (tx: Kysely<Database>, applicationId: number, ids: readonly number[]) =>
  tx
    .selectFrom('instances')
    .innerJoin('hosts', 'hosts.id', 'instances.hostId')
    .where('instances.applicationId', '=', applicationId)
    .where('instances.id', 'in', ids)
    .selectAll('instances')
    .select(['hosts.name as hostname', 'hosts.status as hostStatus', 'hosts.runner'])
    .orderBy('instances.id')
    .forUpdate('instances')
    .execute();

interface NewInstanceTask {
  action: InstanceAction;
  applicationId: number;
  creator: string;
  timeoutSeconds: number;
  batchSize: number;
  /** In the order in which they are worked through, with what each runs with; locked. */
  instances: readonly (InstanceRow & { hostname: string; setup: SubTaskSetup })[];
  now: Date;
}

/** Writes a task with a waiting result per instance, and makes the instances busy with it. */
export async function beginInstanceTask(tx: Kysely<Database>, task: NewInstanceTask): Promise<number> {
  const { action, applicationId, creator, timeoutSeconds, batchSize, instances, now } = task;
  const opts = json({ batchSize });
  const { id } = await tx
    .insertInto('tasks')
    .values({ area: 'instance', kind: action, applicationId, creator, timeoutSeconds, opts, createdTime: now })
    .returning('id')
    .executeTakeFirstOrThrow();
  const results = instances.map((instance, position) => ({
    taskId: id,
    position,
    instanceId: instance.id,
    hostId: instance.hostId,
    hostname: instance.hostname,
    previousVersion: instance.version,
    previousStatus: instance.status,
    setup: json(instance.setup),
  }));
  await insertRows(tx, 'taskResults', results);
  const ids = instances.map((instance) => instance.id);
  await tx
    .updateTable('instances')
    .set({ busyKind: action, busyTaskId: id, updatedTime: now, ...(action !== 'stop' && { status: 'restarting' }) })
    .where('id', 'in', ids)
    .execute();
  return id;
}

/** The instance tasks of an application. */
export const selectInstanceTasks = (db: Kysely<Database>, applicationId: number) =>
  db.selectFrom('tasks').selectAll().where('area', '=', 'instance').where('applicationId', '=', applicationId);

/** Records an instance's outcome and releases it; idempotent. */
export async function settleInstanceAction(db: Kysely<Database>, end: InstanceEnd): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const result = await closeResult(tx, end);
    if (!result) return;
    await freeInstance(tx, result, end.left);
    await notifyOutput(tx, end.taskId);
  });
}

async function freeInstance(tx: Transaction<Database>, result: TaskResultRow, left: InstanceEnd['left']) {
  const status = left === 'unchanged' ? (result.previousStatus ?? 'stopped') : left;
  await tx
    .updateTable('instances')
    .set({ busyKind: null, busyTaskId: null, status, updatedTime: new Date() })
    .where('id', '=', result.instanceId)
    .where('busyTaskId', '=', result.taskId)
    .execute();
}

/** What is said of an instance that its workflow has not settled: one under way may have done anything. */
function unsettled({ taskId, position, status, step }: TaskResultRow, error: string | null): ResultEnd {
  const at = { taskId, position, step };
  if (status === 'running') return { ...at, status: 'unknown', message: `not known how it ended: ${error ?? ''}` };
  return { ...at, status: 'failed', message: `not begun: ${error ?? 'an instance before it failed'}` };
}

/** Ends an instance task: `finished` if every instance is; what never began is failed and free again. False: it had ended. */
export const settleInstanceTask = (db: Kysely<Database>, taskId: number, error: string | null): Promise<boolean> =>
  finishTask(db, {
    taskId,
    error,
    close: async (tx, _task, open) => {
      for (const result of open) {
        await closeResult(tx, unsettled(result, error));
        await freeInstance(tx, result, result.status === 'running' ? 'unknown' : 'unchanged');
      }
    },
    record: recordEnd,
  });

async function recordEnd(tx: Transaction<Database>, task: TaskRow, status: 'finished' | 'failed'): Promise<void> {
  const application = await tx
    .selectFrom('applications')
    .select(['id', 'fullName'])
    .where('id', '=', task.applicationId)
    .executeTakeFirst();
  if (!application) return;
  const { id: targetId, fullName } = application;
  const name = quote(fullName);
  const detail = auditText('instances_ended', {
    action: auditWord('kind', task.kind),
    name,
    task: task.id,
    status: auditWord('status', status),
  });
  await record(tx, workflowActor, [
    {
      view: 'app',
      area: 'applications',
      opType: 'update',
      targetType: 'application',
      targetId,
      targetName: fullName,
      detail,
    },
  ]);
}
