// Calls that change something on a host, so that none is repeated that was answered: the intent is committed before the
// call, the answer after it. Whoever comes later, after a crash too, finds what there is.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { HostAt } from '../../workflows/hosts/contract.ts';
import type { Database } from '../database.ts';
import type { CallWay, HostCallRow } from './tables.ts';

/** The call of a host's task, if one was begun; there is one at most. */
export const findCall = (db: Kysely<Database>, { taskId, position }: HostAt): Promise<HostCallRow | undefined> =>
  db
    .selectFrom('hostCalls')
    .selectAll()
    .where('taskId', '=', taskId)
    .where('position', '=', position)
    .executeTakeFirst();

/** Writes that a call is about to be made; undefined, and nothing is written, when the task was cancelled before. */
export async function intendCall(
  db: Kysely<Database>,
  { taskId, position }: HostAt,
  { way, last }: { way: CallWay; last: string | null },
): Promise<HostCallRow | undefined> {
  return db
    .insertInto('hostCalls')
    .columns(['taskId', 'position', 'way', 'last'])
    .expression((eb) =>
      eb
        .selectFrom('tasks')
        .select(['id', eb.val(position).as('position'), eb.val(way).as('way'), eb.val(last).as('last')])
        .where('id', '=', taskId)
        .where('cancelledBy', 'is', null),
    )
    .returningAll()
    .executeTakeFirst();
}

/** Takes over an intent without an answer; undefined when it was withdrawn meanwhile. */
export const takeOverCall = (
  db: Kysely<Database>,
  { taskId, position, way }: HostCallRow,
): Promise<HostCallRow | undefined> =>
  db
    .updateTable('hostCalls')
    .set((eb) => ({ attempts: eb('attempts', '+', 1) }))
    .where('taskId', '=', taskId)
    .where('position', '=', position)
    .where('way', '=', way)
    .returningAll()
    .executeTakeFirst();

/** Forgets an intent whose call was certainly not made, unless another attempt has taken it over. */
export async function withdrawCall(db: Kysely<Database>, { taskId, position, way }: HostCallRow): Promise<void> {
  await db
    .deleteFrom('hostCalls')
    .where('taskId', '=', taskId)
    .where('position', '=', position)
    .where('way', '=', way)
    .where('attempts', '=', 1)
    .where('answeredTime', 'is', null)
    .execute();
}

/** Writes what was answered. */
export const answerCall = (
  db: Kysely<Database>,
  { taskId, position, way }: HostCallRow,
  { job, note }: Pick<HostCallRow, 'job' | 'note'>,
): Promise<HostCallRow> =>
  db
    .updateTable('hostCalls')
    .set({ answeredTime: sql<Date>`clock_timestamp()`, job, note })
    .where('taskId', '=', taskId)
    .where('position', '=', position)
    .where('way', '=', way)
    .returningAll()
    .executeTakeFirstOrThrow();

/** Writes since when the host is down as far as anybody can see, or that it is up again. */
export async function markDown(
  db: Kysely<Database>,
  { taskId, position, way }: HostCallRow,
  downSince: Date | null,
): Promise<void> {
  await db
    .updateTable('hostCalls')
    .set({ downSince })
    .where('taskId', '=', taskId)
    .where('position', '=', position)
    .where('way', '=', way)
    .execute();
}
