// Probes whether the database can write. A full disk only rejects writes that need a new page, so a table with free space
// would not reveal it: the probe recreates its table within the transaction, which allocates a page that the rollback frees.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';

class UndoError extends Error {}

/** Throws the database's error if it cannot write. Leaves nothing behind. */
export async function tryWriting(db: Kysely<Database>): Promise<void> {
  try {
    await db.transaction().execute(async (tx) => {
      await sql`truncate write_probes`.execute(tx);
      await sql`insert into write_probes values (now())`.execute(tx);
      throw new UndoError();
    });
  } catch (error) {
    if (!(error instanceof UndoError)) throw error;
  }
}
