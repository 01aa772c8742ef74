import { sql } from 'kysely';
import type { Expression, Kysely, RawBuilder, SqlBool } from 'kysely';
import type { HostTaskKind } from '../../workflows/hosts/contract.ts';
import { visible, type Asker, type Subject } from '../access/rights.ts';
import type { Database } from '../database.ts';
import type { HostRow } from '../inventory/tables.ts';
import { json } from '../core/jsonb.ts';
import { anywhere } from '../core/ilike.ts';
import { insertRows } from '../core/row-batches.ts';

const onSeenHost = (subject: Subject, more: RawBuilder<SqlBool> = sql`true`): RawBuilder<SqlBool> => sql`exists (
  select from task_results where task_results.task_id = tasks.id and ${more}
  and ${visible(subject, 'host', 'view_host', 'task_results.host_id')})`;

/** Host tasks that the caller may view: their own, and those on a host that they may view. */
export const selectHostTasks = (db: Kysely<Database>, { subject, username }: Asker) =>
  db
    .selectFrom('tasks')
    .selectAll('tasks')
    .where('tasks.area', '=', 'host')
    .where(sql<SqlBool>`(tasks.creator = ${username} or ${onSeenHost(subject)})`);

interface HostTaskFilter {
  kind?: HostTaskKind | undefined;
  creator?: string | undefined;
  status?: string | undefined;
  hostname?: string | undefined;
  host?: number | undefined;
  time__gt?: Date | undefined;
  time__lt?: Date | undefined;
}

/** An expression that is true when all given filters hold of a row of `tasks`. */
export function matchingTasks(filter: HostTaskFilter, subject: Subject): Expression<SqlBool> {
  const conditions: RawBuilder<SqlBool>[] = [sql`true`];
  const add = (condition: RawBuilder<SqlBool>): void => void conditions.push(condition);
  const { kind, creator, status, hostname, host } = filter;
  if (kind !== undefined) add(sql`tasks.kind = ${kind}`);
  if (creator !== undefined) add(sql`tasks.creator = ${creator}`);
  if (status !== undefined) add(sql`tasks.status = ${status}`);
  if (filter.time__gt !== undefined) add(sql`tasks.created_time > ${filter.time__gt}`);
  if (filter.time__lt !== undefined) add(sql`tasks.created_time < ${filter.time__lt}`);
  if (hostname !== undefined) add(onSeenHost(subject, sql`task_results.hostname ilike ${anywhere(hostname)}`));
  if (host !== undefined) add(onSeenHost(subject, sql`task_results.host_id = ${host}`));
  return sql<SqlBool>`${sql.join(conditions, sql` and `)}`;
}

/** Results of tasks on hosts that the caller may view, with the hosts' types. */
export async function hostResults(db: Kysely<Database>, subject: Subject, taskIds: readonly number[]) {
  if (taskIds.length === 0) return [];
  return await db
    .selectFrom('taskResults')
    .innerJoin('hosts', 'hosts.id', 'taskResults.hostId')
    .selectAll('taskResults')
    .select('hosts.hostType')
    .where('taskId', 'in', taskIds)
    .where(visible(subject, 'host', 'view_host', 'task_results.host_id'))
    .orderBy('taskId')
    .orderBy('position')
    .execute();
}

interface NewHostTask {
  kind: HostTaskKind;
  creator: string;
  timeoutSeconds: number;
  opts: object;
  hosts: readonly HostRow[];
  now: Date;
}

/** Writes a task with a waiting result per host, and marks the hosts, which must be locked, as busy. */
export async function beginHostTask(tx: Kysely<Database>, task: NewHostTask): Promise<number> {
  const { kind, creator, timeoutSeconds, opts, hosts, now } = task;
  const { id } = await tx
    .insertInto('tasks')
    .values({ area: 'host', kind, creator, timeoutSeconds, opts: json(opts), createdTime: now })
    .returning('id')
    .executeTakeFirstOrThrow();
  const results = hosts.map((host, position) => ({ taskId: id, position, hostId: host.id, hostname: host.name }));
  await insertRows(tx, 'taskResults', results);
  await tx
    .updateTable('hosts')
    .set({ busyKind: kind, busyTaskId: id, updatedTime: now })
    .where(
      'id',
      'in',
      hosts.map((host) => host.id),
    )
    .execute();
  return id;
}

/** The hosts of a task. */
export const hostIdsOf = (db: Kysely<Database>, taskId: number): Promise<number[]> =>
  db
    .selectFrom('taskResults')
    .select('hostId')
    .where('taskId', '=', taskId)
    .execute()
    .then((rows) => rows.map(({ hostId }) => hostId));
