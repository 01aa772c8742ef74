// A change is one transaction whose outcome is reported precisely: a connection lost before the commit was sent has changed
// nothing; one lost during the commit may have changed everything.
import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../database.ts';
import { isUnreachable } from './sql-state.ts';

/** The connection was lost during a commit, so its outcome is unknown. */
export class CommitUnknownError extends Error {
  constructor(cause: unknown) {
    super('the connection was lost over a commit', { cause });
    this.name = 'CommitUnknownError';
  }
}

/** Runs `work` in one transaction; throws its errors, or CommitUnknownError. */
export async function inTransaction<T>(
  db: Kysely<Database>,
  work: (tx: Transaction<Database>) => Promise<T>,
): Promise<T> {
  const done = { work: false };
  try {
    return await db.transaction().execute(async (tx) => {
      const made = await work(tx);
      done.work = true;
      return made;
    });
  } catch (error) {
    throw done.work && isUnreachable(error) ? new CommitUnknownError(error) : error;
  }
}
