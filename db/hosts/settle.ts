// The ends of host tasks: each in one transaction with its audit record, and harmless a second time.
import type { Kysely, Transaction } from 'kysely';
import { problemText, problems, toWire, Problem } from '../../workflows/problem.ts';
import type { ProblemWire } from '../../workflows/problem.ts';
import type {
  HostAt,
  HostEnd,
  HostOutcome,
  HostStatus,
  HostTaskKind,
  OsStatus,
} from '../../workflows/hosts/contract.ts';
import { workflowActor } from '../../workflows/tasks.ts';
import type { Actor, ResultStatus } from '../../workflows/tasks.ts';
import { record } from '../audit/record.ts';
import type { AuditEntry } from '../audit/record.ts';
import { quote } from '../audit/text.ts';
import type { Database } from '../database.ts';
import { json } from '../json.ts';
import { notifyOutput } from '../tasks/output.ts';
import { allFinished, openResults } from '../tasks/results.ts';
import type { TaskResultRow } from '../tasks/tables.ts';
import { outcomeOf } from './work.ts';

/** What the end of a task leaves on a host; what is left out stays. */
export interface HostLeft {
  status?: HostStatus;
  osStatus?: OsStatus | null;
  /** What became of instances by id; `all`: of every one that no task holds. */
  instances?: { all: 'stopped' } | Map<number, 'running' | 'stopped'>;
}

const kindsZh: Record<HostTaskKind, string> = {
  ...{ start: '启动', stop: '停止', restart: '重启', init: '初始化' },
  ...{ change_status: '变更状态', change_zabbix_opts: '变更 zabbix 配置' },
};
const statusesZh: Record<ResultStatus, string> = {
  ...{ waiting: '等待', running: '执行中', finished: '成功', failed: '失败', unknown: '未知' },
};

/** A kind of host task in words, for audit records. */
export const kindZh = (kind: HostTaskKind): string => kindsZh[kind];

function endEntry(
  kind: HostTaskKind,
  taskId: number,
  { hostId, hostname }: TaskResultRow,
  status: ResultStatus,
): AuditEntry {
  const name = quote(hostname);
  const detail = {
    en: `${kind.replaceAll('_', ' ')} of host ${name} by task ${taskId}: ${status}`,
    zh: `任务 ${taskId} ${kindZh(kind)}主机 ${name}: ${statusesZh[status]}`,
  };
  return {
    ...{ view: 'host', area: 'hosts', opType: 'update', targetType: 'host' },
    ...{ targetId: hostId, targetName: hostname, detail },
  };
}

const textOf = (wire: ProblemWire | null): string | null => wire && problemText(wire.problem, wire.params, 'en');

/** Writes what became of a host and sets it free; answers the outcome, an earlier one if there is. */
export async function settleHost(
  db: Kysely<Database>,
  { taskId, position }: HostAt,
  { status, problem, warning, left }: HostEnd & { left: HostLeft },
): Promise<HostOutcome> {
  return db.transaction().execute(async (tx) => {
    const outcome = { status, errorCode: problem && problems[problem.problem].code, message: textOf(problem) };
    const result = await tx
      .with('settled', (with_) =>
        with_
          .updateTable('taskResults')
          .from('tasks')
          .whereRef('tasks.id', '=', 'taskResults.taskId')
          .set({ ...outcome, problem: problem && json(problem), finished: new Date() })
          .$if(warning !== null, (update) => update.set({ warning: warning && json(warning) }))
          .where('taskResults.taskId', '=', taskId)
          .where('taskResults.position', '=', position)
          .where('taskResults.status', 'in', ['waiting', 'running'])
          .returningAll('taskResults')
          .returning('tasks.kind'),
      )
      .with('freed', (with_) =>
        with_
          .updateTable('hosts')
          .from('settled')
          .set(freed(left))
          .whereRef('hosts.id', '=', 'settled.hostId')
          .where('hosts.busyTaskId', '=', taskId)
          .returning('hosts.id'),
      )
      .selectFrom('settled')
      .selectAll()
      .executeTakeFirst();
    if (!result) return outcomeOf(tx, { taskId, position });
    await leaveInstances(tx, result, left);
    await record(tx, workflowActor, [endEntry(result.kind as HostTaskKind, taskId, result, status)]);
    return outcome;
  });
}

const freed = ({ status, osStatus }: HostLeft) => ({
  ...{ busyKind: null, busyTaskId: null, updatedTime: new Date() },
  ...(status !== undefined && { status }),
  ...(osStatus !== undefined && { osStatus }),
});

async function leave(tx: Transaction<Database>, { hostId, taskId }: TaskResultRow, left: HostLeft): Promise<void> {
  await tx.updateTable('hosts').set(freed(left)).where('id', '=', hostId).where('busyTaskId', '=', taskId).execute();
}

async function leaveInstances(tx: Transaction<Database>, { hostId }: TaskResultRow, { instances }: HostLeft) {
  if (!instances) return;
  const now = new Date();
  const free = tx.updateTable('instances').where('hostId', '=', hostId).where('busyTaskId', 'is', null);
  if ('all' in instances) {
    await free.set({ status: instances.all, updatedTime: now }).where('status', '!=', instances.all).execute();
    return;
  }
  for (const found of ['running', 'stopped'] as const) {
    const ids = [...instances].filter(([, state]) => state === found).map(([id]) => id);
    if (ids.length === 0) continue;
    await free.set({ status: found, updatedTime: now }).where('id', 'in', ids).where('status', '!=', found).execute();
  }
}

/** Ends a host task: `finished` if every host is; hosts that are open are settled and free. False: it had ended. */
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

/** Fails the hosts of a running task that have not begun; answers how many. */
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
  ...{ view: 'host', area: 'hosts', opType: 'update', targetType: 'host_task', targetId: taskId },
  detail: {
    en: `cancelled task ${taskId} (${kind.replaceAll('_', ' ')}): ${hosts} hosts had not begun`,
    zh: `取消任务 ${taskId} (${kindZh(kind)}): ${hosts} 台主机尚未开始`,
  },
});

/** Settles open hosts as `ending` says of each; null leaves one open. */
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
        ...{ status, errorCode: problems[problem.problem].code, message: problem.message },
        ...{ problem: json(toWire(problem)), finished: new Date() },
      })
      .where('taskId', '=', taskId)
      .where('position', '=', result.position)
      .where('status', '=', result.status)
      .executeTakeFirst();
    if (closed.numUpdatedRows === 0n) continue;
    await leave(tx, result, {});
    entries.push(endEntry(kind, taskId, result, status));
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
