// Calls that change something on a host, so that none is repeated that was answered: the intent is committed before the
// call, the answer after it. Whoever comes later, after a crash too, finds what there is.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { HostAt, OsStatus } from '../../workflows/hosts/contract.ts';
import type { Database } from '../database.ts';
import type { HostPlace } from '../inventory.ts';
import { json } from '../json.ts';
import type { CallWay, HostCallRow } from './tables.ts';

/** The call of a host's task, if one was begun; there is one at most. */
export const findCall = (db: Kysely<Database>, { taskId, position }: HostAt): Promise<HostCallRow | undefined> =>
  db
    .selectFrom('hostCalls')
    .selectAll()
    .where('taskId', '=', taskId)
    .where('position', '=', position)
    .executeTakeFirst();

/** How a call goes, what there was before it that tells its effect, and what its host shows from now on. */
export interface Intent {
  way: CallWay;
  last: string | null;
  shows: { place?: HostPlace; osStatus?: OsStatus };
}

/** Writes that a call is about to be made; undefined, and nothing is written, when the task was cancelled before. */
export async function intendCall(
  db: Kysely<Database>,
  { taskId, position, host }: HostAt & { host: { id: number } },
  { way, last, shows: { place, osStatus } }: Intent,
): Promise<HostCallRow | undefined> {
  const intended = db.with('intended', (with_) =>
    with_
      .insertInto('hostCalls')
      .columns(['taskId', 'position', 'way', 'last'])
      .expression((eb) =>
        eb
          .selectFrom('tasks')
          .select(['id', eb.val(position).as('position'), eb.val(way).as('way'), eb.val(last).as('last')])
          .where('id', '=', taskId)
          .where('cancelledBy', 'is', null),
      )
      .returningAll(),
  );
  const shown = { ...(place && { place: json(place) }), ...(osStatus && { osStatus }) };
  if (Object.keys(shown).length === 0) return intended.selectFrom('intended').selectAll().executeTakeFirst();
  return intended
    .with('shown', (with_) =>
      with_.updateTable('hosts').from('intended').set(shown).where('hosts.id', '=', host.id).returning('hosts.id'),
    )
    .selectFrom('intended')
    .selectAll()
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
