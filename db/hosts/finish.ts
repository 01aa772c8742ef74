// Ends host tasks: each end is written together with its audit record, and is idempotent.
import type { Kysely, Transaction } from 'kysely';
import { problems, toWire, Problem } from '../../workflows/problems/problem.ts';
import type { ProblemWire } from '../../workflows/problems/problem.ts';
import type {
  HostAt,
  HostEnd,
  HostOutcome,
  HostStatus,
  HostTaskKind,
  OsStatus,
} from '../../workflows/hosts/contract.ts';
import { workflowActor } from '../../workflows/tasks/contract.ts';
import type { Actor, ResultStatus } from '../../workflows/tasks/contract.ts';
import { record } from '../audit/record.ts';
import type { AuditEntry } from '../audit/record.ts';
import { quote } from '../audit/text.ts';
import type { Database } from '../database.ts';
import { json } from '../core/jsonb.ts';
import { notifyOutput } from '../tasks/output.ts';
import { finishTask } from '../tasks/finish.ts';
import { openResults } from '../tasks/results.ts';
import type { TaskResultRow, TaskRow } from '../tasks/tables.ts';
import { outcomeOf } from './work.ts';
import { render } from '../../kit/messages/message.ts';
import { auditText, auditWord } from '../../kit/messages/audit-text.ts';

/** The fields of a host that a task's end changes; omitted ones stay. */
export interface HostLeft {
  status?: HostStatus;
  osStatus?: OsStatus | null;
  /** Final states of instances by id; `all`: of every one that no task holds. */
  instances?: { all: 'stopped' } | Map<number, 'running' | 'stopped' | 'unknown'>;
}

function endEntry(
  kind: HostTaskKind,
  taskId: number,
  { id, name }: HostOfTask['host'],
  status: ResultStatus,
): AuditEntry {
  const detail = auditText('host_task_ended', {
    kind: auditWord('kind', kind),
    name: quote(name),
    task: taskId,
    status: auditWord('status', status),
  });
  return { view: 'host', area: 'hosts', opType: 'update', targetType: 'host', targetId: id, targetName: name, detail };
}

const textOf = (wire: ProblemWire | null): string | null => wire && render(wire, 'en');

/** A host of a task, named for the record of its end. */
interface HostOfTask extends HostAt {
  kind: HostTaskKind;
  host: { id: number; name: string };
}

/** Records a host's outcome and releases it; returns the outcome, an earlier one if there is. */
export async function settleHost(
  db: Kysely<Database>,
  { taskId, position, kind, host }: HostOfTask,
  { status, problem, warning, left }: HostEnd & { left: HostLeft },
): Promise<HostOutcome> {
  const outcome = { status, errorCode: problem && problems[problem.key].code, message: textOf(problem) };
  const isClosed = await db.transaction().execute(async (tx) => {
    const closed = await closeHost(tx, { taskId, position }, ['waiting', 'running'], { ...outcome, problem, warning });
    if (!closed) return false;
    const { status: hostStatus, osStatus, instances } = left;
    await free(tx, closed, { ...(hostStatus && { status: hostStatus }), ...(osStatus !== undefined && { osStatus }) });
    if (instances) await leaveInstances(tx, closed.hostId, instances);
    await record(tx, workflowActor, [endEntry(kind, taskId, host, status)]);
    return true;
  });
  return isClosed ? outcome : outcomeOf(db, { taskId, position });
}

type HostClosing = Pick<TaskResultRow, 'status' | 'errorCode' | 'message'> & {
  problem: ProblemWire | null;
  warning?: ProblemWire | null;
};

/** Ends a result that is in one of these states; returns it, or undefined if it is not. */
const closeHost = (
  tx: Transaction<Database>,
  { taskId, position }: HostAt,
  from: ResultStatus[],
  { problem, warning, ...ending }: HostClosing,
): Promise<TaskResultRow | undefined> =>
  tx
    .updateTable('taskResults')
    .set({ ...ending, problem: problem && json(problem), finished: new Date() })
    .set(warning ? { warning: json(warning) } : {})
    .where('taskId', '=', taskId)
    .where('position', '=', position)
    .where('status', 'in', from)
    .returningAll()
    .executeTakeFirst();

async function free(
  tx: Transaction<Database>,
  { hostId, taskId }: TaskResultRow,
  left: Pick<HostLeft, 'status' | 'osStatus'> = {},
): Promise<void> {
  await tx
    .updateTable('hosts')
    .set({ busyKind: null, busyTaskId: null, updatedTime: new Date(), ...left })
    .where('id', '=', hostId)
    .where('busyTaskId', '=', taskId)
    .execute();
}

async function leaveInstances(
  tx: Transaction<Database>,
  hostId: number,
  instances: NonNullable<HostLeft['instances']>,
): Promise<void> {
  const idle = tx.updateTable('instances').where('hostId', '=', hostId).where('busyTaskId', 'is', null);
  const leave = (query: typeof idle, status: 'running' | 'stopped' | 'unknown') =>
    query.set({ status, updatedTime: new Date() }).where('status', '!=', status).execute();
  if ('all' in instances) await leave(idle, instances.all);
  else
    for (const status of ['running', 'stopped', 'unknown'] as const) {
      const ids = [...instances].filter(([, found]) => found === status).map(([id]) => id);
      if (ids.length > 0) await leave(idle.where('id', 'in', ids), status);
    }
}

/** Settles a host whose work stopped for an unknown reason: its outcome is unknown. */
export async function abandonHost(db: Kysely<Database>, at: HostAt, reason: string): Promise<HostOutcome> {
  const { kind, hostId, hostname } = await db
    .selectFrom('taskResults')
    .innerJoin('tasks', 'tasks.id', 'taskResults.taskId')
    .select(['tasks.kind', 'taskResults.hostId', 'taskResults.hostname'])
    .where('taskResults.taskId', '=', at.taskId)
    .where('taskResults.position', '=', at.position)
    .executeTakeFirstOrThrow();
  const problem = toWire(new Problem('host_task_lost', { reason }));
  const of = { ...at, kind: kind as HostTaskKind, host: { id: hostId, name: hostname } };
  return settleHost(db, of, { status: 'unknown', problem, warning: null, left: {} });
}

/** Ends a host task: `finished` if every host is; open hosts are settled and released. False: it had already ended. */
export const settleHostTask = (db: Kysely<Database>, taskId: number, error: string | null): Promise<boolean> =>
  finishTask(db, {
    taskId,
    error,
    close: (tx, task, open) => {
      const reason = error ?? 'its workflow ended';
      return closeOpen(tx, task, open, ({ status }) =>
        status === 'running'
          ? { status: 'unknown', problem: new Problem('host_task_lost', { reason }) }
          : { status: 'failed', problem: new Problem('host_not_begun', { reason }) },
      );
    },
  });

/** Fails the hosts of a running task that have not begun; returns their number. */
export async function cancelHosts(db: Kysely<Database>, taskId: number, actor: Actor | null): Promise<number> {
  const by = actor ?? { ...workflowActor, username: 'an operator' };
  return db.transaction().execute(async (tx) => {
    const task = await tx
      .selectFrom('tasks')
      .selectAll()
      .where('id', '=', taskId)
      .forUpdate()
      .executeTakeFirstOrThrow();
    if (task.status !== 'running') throw new Problem('host_task_ended', { status: task.status });
    await tx.updateTable('tasks').set({ cancelledBy: by.username }).where('id', '=', taskId).execute();
    const problem = new Problem('host_task_cancelled', { by: by.username });
    const kind = task.kind as HostTaskKind;
    const closed = await closeOpen(tx, task, await openResults(tx, taskId), ({ status }) =>
      status === 'waiting' ? { status: 'failed', problem } : null,
    );
    await record(tx, by, [cancelEntry(taskId, kind, closed)]);
    await notifyOutput(tx, taskId);
    return closed;
  });
}

const cancelEntry = (taskId: number, kind: HostTaskKind, hosts: number): AuditEntry => ({
  view: 'host',
  area: 'hosts',
  opType: 'update',
  targetType: 'host_task',
  targetId: taskId,
  detail: auditText('host_task_cancelled', { task: taskId, kind: auditWord('kind', kind), n: hosts }),
});

/** Settles open hosts with the result of `ending`; null leaves a host open. */
async function closeOpen(
  tx: Transaction<Database>,
  task: Pick<TaskRow, 'id' | 'kind'>,
  open: readonly TaskResultRow[],
  ending: (result: TaskResultRow) => { status: 'failed' | 'unknown'; problem: Problem } | null,
): Promise<number> {
  const entries: AuditEntry[] = [];
  for (const result of open) {
    const end = ending(result);
    if (!end) continue;
    const { status, problem } = end;
    const { code: errorCode } = problems[problem.problem];
    const closing = { status, errorCode, message: render(problem.said, 'en'), problem: toWire(problem) };
    if (!(await closeHost(tx, result, [result.status], closing))) continue;
    await free(tx, result);
    entries.push(endEntry(task.kind as HostTaskKind, task.id, { id: result.hostId, name: result.hostname }, status));
  }
  await record(tx, workflowActor, entries);
  return entries.length;
}

/** Adds a warning to the results of a task that have not ended. */
export async function warnHosts(db: Kysely<Database>, taskId: number, warning: Problem): Promise<void> {
  await db
    .updateTable('taskResults')
    .set({ warning: json(toWire(warning)) })
    .where('taskId', '=', taskId)
    .where('status', 'in', ['waiting', 'running'])
    .execute();
}
