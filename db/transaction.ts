// A change that people wait for is one transaction, and they are told the truth about its end: a connection that is lost
// before the commit was sent has changed nothing, one that is lost over it may have changed all of it.
import type { Kysely, Transaction } from 'kysely';
import { codeOf } from '../kit/error-code.ts';
import type { Database } from './database.ts';

const notReachable = new Set<unknown>([
  ...['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EHOSTUNREACH', 'ETIMEDOUT', 'EPIPE'],
  ...['57P01', '57P02', '57P03', '08000', '08001', '08003', '08004', '08006', '53300'],
]);
const lostConnection =
  /^(Connection terminated|Query read timeout|timeout exceeded when trying to connect|Client has encountered)/;
// It answers, and can't do it now: a standby, a full disk, no memory, a statement that takes too long, a broken disk.
const notAble = new Set<unknown>(['25006', '53100', '53200', '57014', '58030']);

const isDisconnected = (error: Error): boolean => notReachable.has(codeOf(error)) || lostConnection.test(error.message);

/** Whether an error says that the database can't be reached or can't serve; trying again later may help. */
export const isUnavailable = (error: unknown): boolean =>
  error instanceof Error && (isDisconnected(error) || notAble.has(codeOf(error)));

/** The connection was lost over a commit, so that nobody knows whether it was made. */
export class CommitUnknown extends Error {
  constructor(cause: unknown) {
    super('the connection was lost over a commit', { cause });
    this.name = 'CommitUnknown';
  }
}

/** Does `work` in one transaction; throws what it throws, or CommitUnknown. */
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
    throw done.work && error instanceof Error && isDisconnected(error) ? new CommitUnknown(error) : error;
  }
}
