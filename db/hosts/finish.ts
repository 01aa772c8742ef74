// Ends host tasks: each end is written together with its audit record, and is idempotent.
import { sql } from 'kysely';
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
import { auditColumns, auditRow, record } from '../audit/record.ts';
import type { AuditEntry, AuditRow } from '../audit/record.ts';
import { quote } from '../audit/text.ts';
import type { Database } from '../database.ts';
import { json } from '../core/jsonb.ts';
import { prepared } from '../core/prepared-statements.ts';
import type { Parameter } from '../core/prepared-statements.ts';
import { notifyOutput } from '../tasks/output.ts';
import { allFinished, openResults } from '../tasks/results.ts';
import type { TaskResultRow } from '../tasks/tables.ts';
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
export interface HostOfTask extends HostAt {
  kind: HostTaskKind;
  host: { id: number; name: string };
}

interface Ending extends AuditRow {
  taskId: number;
  position: number;
  status: HostEnd['status'];
  errorCode: number | null;
  message: string | null;
  problem: string | null;
  warning: string | null;
  finished: Date;
  hostStatus: HostStatus | null;
  leavesOs: boolean;
  osStatus: OsStatus | null;
  all: 'stopped' | null;
  running: readonly number[];
  stopped: readonly number[];
  unknown: readonly number[];
}

/** The new status of an instance; null: unchanged. */
const instanceStatus = (place: Parameter<Ending>) =>
  sql<'running' | 'stopped' | 'unknown'>`coalesce(${place('all')}::text, case
    when instances.id = any(${place('running')}::bigint[]) then 'running'
    when instances.id = any(${place('stopped')}::bigint[]) then 'stopped'
    when instances.id = any(${place('unknown')}::bigint[]) then 'unknown' end)`;

const settledResult = (db: Pick<Kysely<Database>, 'updateTable'>, place: Parameter<Ending>) =>
  db
    .updateTable('taskResults')
    .set({
      status: place('status'),
      errorCode: place('errorCode'),
      message: place('message'),
      problem: place('problem'),
      finished: place('finished'),
      warning: sql<string | null>`coalesce(${place('warning')}::jsonb, warning)`,
    })
    .where('taskId', '=', place('taskId'))
    .where('position', '=', place('position'))
    .where('status', 'in', ['waiting', 'running'])
    .returning(['hostId', 'taskId']);

// One statement for every host of every task: the result, the host, its instances and the audit record.
const settle = prepared((db, place: Parameter<Ending>) =>
  db
    .with('settled', (with_) => settledResult(with_, place))
    .with('freed', (with_) =>
      with_
        .updateTable('hosts')
        .from('settled')
        .set({
          busyKind: null,
          busyTaskId: null,
          updatedTime: place('finished'),
          status: sql<HostStatus>`coalesce(${place('hostStatus')}::text, hosts.status)`,
          osStatus: sql<OsStatus | null>`case when ${place('leavesOs')}::bool then ${place('osStatus')}::text
            else hosts.os_status end`,
        })
        .whereRef('hosts.id', '=', 'settled.hostId')
        .whereRef('hosts.busyTaskId', '=', 'settled.taskId')
        .returning('hosts.id'),
    )
    .with('left', (with_) =>
      with_
        .updateTable('instances')
        .from('settled')
        .set({ status: instanceStatus(place), updatedTime: place('finished') })
        .whereRef('instances.hostId', '=', 'settled.hostId')
        .where('instances.busyTaskId', 'is', null)
        .where('instances.status', '!=', instanceStatus(place))
        .returning('instances.id'),
    )
    .with('recorded', (with_) =>
      with_
        .insertInto('auditRecords')
        .columns(auditColumns)
        .expression(sql`select ${sql.join(auditColumns.map(place))} from settled`)
        .returning('id'),
    )
    .selectFrom('settled')
    .select('hostId'),
);

/** Records a host's outcome and releases it; returns the outcome, an earlier one if there is. */
export async function settleHost(
  db: Kysely<Database>,
  { taskId, position, kind, host }: HostOfTask,
  { status, problem, warning, left }: HostEnd & { left: HostLeft },
): Promise<HostOutcome> {
  const outcome = { status, errorCode: problem && problems[problem.key].code, message: textOf(problem) };
  const { status: hostStatus, osStatus, instances } = left;
  const found = instances instanceof Map ? [...instances] : [];
  const idsOf = (wanted: string) => found.filter(([, state]) => state === wanted).map(([id]) => id);
  const settled = await settle(db, {
    ...auditRow(workflowActor, endEntry(kind, taskId, host, status)),
    taskId,
    position,
    ...outcome,
    problem: problem && json(problem),
    warning: warning && json(warning),
    finished: new Date(),
    hostStatus: hostStatus ?? null,
    leavesOs: osStatus !== undefined,
    osStatus: osStatus ?? null,
    all: instances && 'all' in instances ? instances.all : null,
    running: idsOf('running'),
    stopped: idsOf('stopped'),
    unknown: idsOf('unknown'),
  });
  return settled.length > 0 ? outcome : outcomeOf(db, { taskId, position });
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
export async function settleHostTask(db: Kysely<Database>, taskId: number, error: string | null): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const task = await tx
      .selectFrom('tasks')
      .select(['status', 'kind'])
      .where('id', '=', taskId)
      .forUpdate()
      .executeTakeFirstOrThrow();
    if (task.status !== 'running') return false;
    await closeOpen(tx, taskId, task.kind as HostTaskKind, (result) =>
      result.status === 'running'
        ? { status: 'unknown', problem: new Problem('host_task_lost', { reason: error ?? 'its workflow ended' }) }
        : { status: 'failed', problem: new Problem('host_not_begun', { reason: error ?? 'its workflow ended' }) },
    );
    const status = (await allFinished(tx, taskId)) && error === null ? ('finished' as const) : ('failed' as const);
    await tx.updateTable('tasks').set({ status, error, finishedTime: new Date() }).where('id', '=', taskId).execute();
    await notifyOutput(tx, taskId);
    return true;
  });
}

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
    const closed = await closeOpen(tx, taskId, kind, ({ status }) =>
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

async function free(tx: Transaction<Database>, { hostId, taskId }: TaskResultRow): Promise<void> {
  await tx
    .updateTable('hosts')
    .set({ busyKind: null, busyTaskId: null, updatedTime: new Date() })
    .where('id', '=', hostId)
    .where('busyTaskId', '=', taskId)
    .execute();
}

/** Settles open hosts with the result of `ending`; null leaves a host open. */
async function closeOpen(
  tx: Transaction<Database>,
  taskId: number,
  kind: HostTaskKind,
  ending: (result: TaskResultRow) => { status: 'failed' | 'unknown'; problem: Problem } | null,
): Promise<number> {
  const entries: AuditEntry[] = [];
  for (const result of await openResults(tx, taskId)) {
    const end = ending(result);
    if (!end) continue;
    const { status, problem } = end;
    const closed = await tx
      .updateTable('taskResults')
      .set({
        status,
        errorCode: problems[problem.problem].code,
        message: render(problem.said, 'en'),
        problem: json(toWire(problem)),
        finished: new Date(),
      })
      .where('taskId', '=', taskId)
      .where('position', '=', result.position)
      .where('status', '=', result.status)
      .executeTakeFirst();
    if (closed.numUpdatedRows === 0n) continue;
    await free(tx, result);
    entries.push(endEntry(kind, taskId, { id: result.hostId, name: result.hostname }, status));
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
