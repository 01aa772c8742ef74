// A request queue for reads on hosts, which API processes cannot reach: a worker claims a row (SKIP LOCKED, NOTIFY) and
// writes the result into it; the requester takes the result and deletes the row. Not a workflow, since log text must not
// enter a history and an abandoned read need not be durable. Any number of processes on both sides.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import { json } from '../core/jsonb.ts';
import type { HostReadAnswer, LogRequest } from './tables.ts';

export const hostReadsChannel = 'host_reads';

/** Requests a read; it expires after `patienceMs`. */
export async function askToRead(
  db: Kysely<Database>,
  hostId: number,
  request: LogRequest,
  patienceMs: number,
): Promise<number> {
  const { id } = await db
    .insertInto('hostReads')
    .values({ hostId, request: json(request), expiresTime: after(patienceMs) })
    .returning('id')
    .executeTakeFirstOrThrow();
  await sql`select pg_notify(${hostReadsChannel}, '')`.execute(db);
  return id;
}

const after = (ms: number) => sql<Date>`clock_timestamp() + ${`${ms} milliseconds`}::interval`;

/** Takes and deletes the result of a read, if it is there. */
export const takeAnswer = (db: Kysely<Database>, id: number) =>
  db
    .deleteFrom('hostReads')
    .where('id', '=', id)
    .where('answer', 'is not', null)
    .returning(['answer', 'content'])
    .executeTakeFirst();

/** Withdraws a read. */
export async function withdrawRead(db: Kysely<Database>, id: number): Promise<void> {
  await db.deleteFrom('hostReads').where('id', '=', id).execute();
}

export interface ClaimedRead {
  id: number;
  hostId: number;
  request: LogRequest;
  /** Remaining time of its requester. */
  leftMs: number;
}

/** Claims up to `most` reads that no other worker has claimed. */
export const claimReads = (db: Kysely<Database>, most: number): Promise<ClaimedRead[]> =>
  db
    .with('open', (cte) =>
      cte
        .selectFrom('hostReads')
        .select('id')
        .where('isClaimed', '=', false)
        .where('expiresTime', '>', after(0))
        .orderBy('id')
        .limit(most)
        .forUpdate()
        .skipLocked(),
    )
    .updateTable('hostReads')
    .set({ isClaimed: true })
    .where('id', 'in', ({ selectFrom }) => selectFrom('open').select('open.id'))
    .returning(['id', 'hostId', 'request'])
    .returning(sql<number>`extract(epoch from expires_time - clock_timestamp())::float8 * 1000`.as('leftMs'))
    .execute();

/** Stores the result of a read, unless it was withdrawn. */
export async function answerRead(
  db: Kysely<Database>,
  id: number,
  answer: HostReadAnswer,
  content: Buffer | null,
): Promise<void> {
  await db
    .updateTable('hostReads')
    .set({ answer: json(answer), content })
    .where('id', '=', id)
    .execute();
}

/** Deletes reads whose result was never taken: the requester is gone. */
export async function forgetReads(db: Kysely<Database>): Promise<void> {
  await db.deleteFrom('hostReads').where('expiresTime', '<', after(-5_000)).execute();
}
