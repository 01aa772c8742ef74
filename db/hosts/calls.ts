// Write-ahead log of calls that change a host, so that no completed call is repeated: the intent is committed before the
// call, the result after it. Later attempts, also after a crash, find both.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { HostAt, OsStatus } from '../../workflows/hosts/contract.ts';
import type { Database } from '../database.ts';
import type { CloudLocation } from '../inventory/tables.ts';
import { json } from '../core/jsonb.ts';
import type { CallWay, HostCallRow } from './tables.ts';

/** The call of a host's task, if one was begun; at most one exists. */
export const findCall = (db: Kysely<Database>, { taskId, position }: HostAt): Promise<HostCallRow | undefined> =>
  db
    .selectFrom('hostCalls')
    .selectAll()
    .where('taskId', '=', taskId)
    .where('position', '=', position)
    .executeTakeFirst();

/** The way of a call, the state before it by which its effect is recognised, and the status the host shows from now on. */
export interface Intent {
  way: CallWay;
  last: string | null;
  shows: { place?: CloudLocation; osStatus?: OsStatus };
}

/** Records that a call is about to be made; undefined, without a record, if the task was cancelled before. */
export const intendCall = (
  db: Kysely<Database>,
  { taskId, position, host }: HostAt & { host: { id: number } },
  { way, last, shows: { place, osStatus } }: Intent,
): Promise<HostCallRow | undefined> =>
  db.transaction().execute(async (tx) => {
    const call = await tx
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
    const shown = { ...(place && { place: json(place) }), ...(osStatus && { osStatus }) };
    if (call && Object.keys(shown).length > 0)
      await tx.updateTable('hosts').set(shown).where('id', '=', host.id).execute();
    return call;
  });

/** Takes over an intent without a result; undefined if it was withdrawn meanwhile. */
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

/** Deletes an intent whose call was certainly not made, unless another attempt has taken it over. */
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

/** Records the result of the call. */
export async function answerCall(
  db: Kysely<Database>,
  { taskId, position, way }: HostCallRow,
  { job, note }: Pick<HostCallRow, 'job' | 'note'>,
): Promise<HostCallRow> {
  const call = await db
    .updateTable('hostCalls')
    .set({ answeredTime: sql<Date>`clock_timestamp()`, job, note })
    .where('taskId', '=', taskId)
    .where('position', '=', position)
    .where('way', '=', way)
    .returningAll()
    .executeTakeFirst();
  if (!call) throw new Error(`the call of host ${position} of task ${taskId} is gone`);
  return call;
}

/** Records since when the host has appeared down, or that it is up again. */
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
