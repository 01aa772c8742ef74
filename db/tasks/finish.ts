// How a task ends, of whatever area: locked, its open results closed, its status set, its watchers notified.
import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../database.ts';
import { notifyOutput } from './output.ts';
import { allFinished, openResults } from './results.ts';
import type { TaskResultRow, TaskRow } from './tables.ts';

interface Finish {
  taskId: number;
  /** Why it ended early; null if its work is done. */
  error: string | null;
  /** Closes the results that are still open. */
  close(tx: Transaction<Database>, task: TaskRow, open: TaskResultRow[]): Promise<unknown>;
  /** Records the end. */
  record?(tx: Transaction<Database>, task: TaskRow, status: 'finished' | 'failed'): Promise<unknown>;
}

/** Ends a running task: `finished` if every result is and there is no error. False: it had already ended. */
export const finishTask = (db: Kysely<Database>, { taskId, error, close, record }: Finish): Promise<boolean> =>
  db.transaction().execute(async (tx) => {
    const task = await tx
      .selectFrom('tasks')
      .selectAll()
      .where('id', '=', taskId)
      .forNoKeyUpdate()
      .executeTakeFirstOrThrow();
    if (task.status !== 'running') return false;
    await close(tx, task, await openResults(tx, taskId));
    const status = (await allFinished(tx, taskId)) && error === null ? ('finished' as const) : ('failed' as const);
    await tx.updateTable('tasks').set({ status, error, finishedTime: new Date() }).where('id', '=', taskId).execute();
    await record?.(tx, task, status);
    await notifyOutput(tx, taskId);
    return true;
  });
