import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import type { TaskResultRow } from './tables.ts';

export interface ResultEnd {
  taskId: number;
  position: number;
  status: 'finished' | 'failed' | 'unknown';
  step: string | null;
  message: string | null;
}

/** Ends an open result; returns it, or undefined if it had already ended. */
export const closeResult = (
  tx: Kysely<Database>,
  { taskId, position, status, step, message }: ResultEnd,
): Promise<TaskResultRow | undefined> =>
  tx
    .updateTable('taskResults')
    .set({ status, step, message, finished: new Date() })
    .where('taskId', '=', taskId)
    .where('position', '=', position)
    .where('status', 'in', ['waiting', 'running'])
    .returningAll()
    .executeTakeFirst();

/** The results of a task that have not ended, by position. */
export const openResults = (tx: Kysely<Database>, taskId: number): Promise<TaskResultRow[]> =>
  tx
    .selectFrom('taskResults')
    .selectAll()
    .where('taskId', '=', taskId)
    .where('status', 'in', ['waiting', 'running'])
    .orderBy('position')
    .execute();

/** Whether every result of a task is `finished`. */
export async function allFinished(tx: Kysely<Database>, taskId: number): Promise<boolean> {
  const other = await tx
    .selectFrom('taskResults')
    .select('position')
    .where('taskId', '=', taskId)
    .where('status', '!=', 'finished')
    .limit(1)
    .executeTakeFirst();
  return other === undefined;
}
