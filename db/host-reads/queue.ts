// An API process reaches no host, so what it wants to read there is a row that a worker takes (SKIP LOCKED, NOTIFY) and
// answers in place; whoever asked takes the answer out, and the row is gone. Not a workflow: text of logs must not enter a
// history, and a read that nobody waits for any more is not worth being durable. Any number of processes on both sides.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import { json } from '../core/jsonb.ts';
import type { HostReadAnswer, LogRequest } from './tables.ts';

export const hostReadsChannel = 'host_reads';

/** Asks for a read; it is forgotten after `patienceMs`. */
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

/** Takes the answer of a read out, if it is there. */
export const takeAnswer = (db: Kysely<Database>, id: number) =>
  db
    .deleteFrom('hostReads')
    .where('id', '=', id)
    .where('answer', 'is not', null)
    .returning(['answer', 'content'])
    .executeTakeFirst();

/** Gives a read up. */
export async function withdrawRead(db: Kysely<Database>, id: number): Promise<void> {
  await db.deleteFrom('hostReads').where('id', '=', id).execute();
}

export interface ClaimedRead {
  id: number;
  hostId: number;
  request: LogRequest;
  /** For which somebody still waits. */
  leftMs: number;
}

/** Takes up to `most` reads that no other worker has taken. */
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

/** Answers a read; one that was given up is not there any more. */
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

/** Removes reads that nobody has taken the answer of: whoever asked is gone. */
export async function forgetReads(db: Kysely<Database>): Promise<void> {
  await db.deleteFrom('hostReads').where('expiresTime', '<', after(-5_000)).execute();
}
