import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';

/** Most navigators that there may be. */
export const maxNavigators = 500;

/** Has changes wait for one another until the end of the transaction; gives how many navigators there are. */
export async function lockNavigators(tx: Kysely<Database>): Promise<number> {
  await sql`select pg_advisory_xact_lock(hashtextextended('navigators', 7301))`.execute(tx);
  const { n } = await tx
    .selectFrom('externalNavigators')
    .select(({ fn }) => fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow();
  return n;
}
