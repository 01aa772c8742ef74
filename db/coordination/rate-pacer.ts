// A rate limit shared by all processes: a row holds the time of the next turn, and a caller advances it by the turns it
// needs. Concurrent requests share a statement.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';

/** Resolves when it is the caller's turn. */
type Turn = () => Promise<void>;

/** Turns of `key`, evenly spread, so many a second. */
export type RatePacer = (key: string, perSecond: number) => Turn;

/** The turns of this database. */
export const createTurns =
  (db: Kysely<Database>): RatePacer =>
  (key, perSecond) => {
    const gapMs = 1_000 / perSecond;
    let waiting: PromiseWithResolvers<number>[] = [];
    const draw = async (): Promise<void> => {
      const some = waiting;
      waiting = [];
      try {
        const first = await reserve(db, key, some.length * gapMs);
        some.forEach(({ resolve }, index) => resolve(first + index * gapMs));
      } catch (error) {
        for (const { reject } of some) reject(error);
      }
    };
    let drawing: Promise<void> = Promise.resolve();
    return async () => {
      const mine = Promise.withResolvers<number>();
      if (waiting.push(mine) === 1) drawing = drawing.then(draw);
      const waitMs = await mine.promise;
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    };
  };

/** Reserves this many ms from the next free moment; returns the delay until then, in ms. */
async function reserve(db: Kysely<Database>, key: string, lengthMs: number): Promise<number> {
  const { rows } = await sql<{ waitMs: number }>`
    insert into provider_turns as turns (key, next_time)
      values (${key}, clock_timestamp() + ${lengthMs}::float8 * interval '1 ms')
    on conflict (key) do update
      set next_time = greatest(turns.next_time, clock_timestamp()) + ${lengthMs}::float8 * interval '1 ms'
    returning (extract(epoch from next_time - clock_timestamp()) * 1000)::float8 - ${lengthMs}::float8 as wait_ms`.execute(
    db,
  );
  return rows[0]?.waitMs ?? 0;
}
