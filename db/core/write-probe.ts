// Whether the database can write. A disk that is full refuses what needs a new page only, and a table with room in it would
// say nothing of that: the probe has its table made anew within the transaction, which takes a page of the disk and is given
// back by the rollback.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';

class UndoError extends Error {}

/** Throws what the database throws when it cannot write. Nothing of it stays. */
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
