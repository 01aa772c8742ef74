// Sliding-window limits shared by all processes: one row per event, counted under an advisory lock on the key, so that a
// concurrent burst cannot pass. Take before the attempt, and give back events that should not count.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';

export interface RateLimit {
  limit: number;
  windowSeconds: number;
}

/** `retryAfterSeconds` is 0 when the event is allowed. */
interface RateAnswer {
  allowed: boolean;
  retryAfterSeconds: number;
}

/** Counts an event against the limit of `key` if there is room; a refused event does not count. */
export function takeRate(db: Kysely<Database>, key: string, { limit, windowSeconds }: RateLimit): Promise<RateAnswer> {
  return db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${key}, 7301))`.execute(tx);
    const since = sql<Date>`clock_timestamp() - ${`${windowSeconds} seconds`}::interval`;
    // The event whose expiry makes room again, if there are that many.
    const blocking = await tx
      .selectFrom('rateEvents')
      .select(sql<number>`extract(epoch from time - (${since}))::float8`.as('seconds'))
      .where('key', '=', key)
      .where('time', '>', since)
      .orderBy('time', 'desc')
      .offset(limit - 1)
      .limit(1)
      .executeTakeFirst();
    if (blocking) return { allowed: false, retryAfterSeconds: Math.max(1, Math.ceil(blocking.seconds)) };
    await tx
      .insertInto('rateEvents')
      .values({ key, time: sql`clock_timestamp()` })
      .execute();
    return { allowed: true, retryAfterSeconds: 0 };
  });
}

/** Counts an event without refusing it, and returns the number in the window including it: at most `limit`. */
export function noteRate(db: Kysely<Database>, key: string, { limit, windowSeconds }: RateLimit): Promise<number> {
  return db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${key}, 7301))`.execute(tx);
    const { count } = await tx
      .selectFrom('rateEvents')
      .where('key', '=', key)
      .where('time', '>', sql<Date>`clock_timestamp() - ${`${windowSeconds} seconds`}::interval`)
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    if (count >= limit) return limit;
    await tx
      .insertInto('rateEvents')
      .values({ key, time: sql`clock_timestamp()` })
      .execute();
    return count + 1;
  });
}

/** Removes the newest event of `key`: the attempt does not count. */
export async function giveBackRate(db: Kysely<Database>, key: string): Promise<void> {
  await sql`
    delete from rate_events where ctid = (
      select ctid from rate_events where key = ${key} order by time desc limit 1 for update skip locked)`.execute(db);
}

/** Deletes every event of `key`. */
export async function clearRate(db: Kysely<Database>, key: string): Promise<void> {
  await db.deleteFrom('rateEvents').where('key', '=', key).execute();
}
