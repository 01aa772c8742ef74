// A change that people wait for is one transaction, and they are told the truth about its end: a connection that is lost
// before the commit was sent has changed nothing, one that is lost over it may have changed all of it.
import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../database.ts';
import { isUnreachable } from './sql-state.ts';

/** The connection was lost over a commit, so that nobody knows whether it was made. */
export class CommitUnknownError extends Error {
  constructor(cause: unknown) {
    super('the connection was lost over a commit', { cause });
    this.name = 'CommitUnknownError';
  }
}

/** Does `work` in one transaction; throws what it throws, or CommitUnknownError. */
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
