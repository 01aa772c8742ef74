import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';

const tasksAtOnce = 100;

/** Which of these tasks ended before `before`. */
export async function endedBefore(db: Kysely<Database>, ids: readonly number[], before: Date): Promise<number[]> {
  const rows = await db
    .selectFrom('tasks')
    .select('id')
    .where('id', 'in', ids)
    .where('finishedTime', '<', before)
    .execute();
  return rows.map(({ id }) => id);
}

/** Removes the output of tasks that ended before `before`; answers whether there is more. The tasks themselves stay. */
export async function forgetOutput(db: Kysely<Database>, before: Date): Promise<boolean> {
  const old = await db
    .selectFrom('tasks')
    .select('id')
    .where('finishedTime', '<', before)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('taskOutput')
          .select(sql`1`.as('one'))
          .whereRef('taskOutput.taskId', '=', 'tasks.id'),
      ),
    )
    .orderBy('finishedTime')
    .limit(tasksAtOnce)
    .execute();
  const ids = old.map(({ id }) => id);
  if (ids.length > 0) await db.deleteFrom('taskOutput').where('taskId', 'in', ids).execute();
  return ids.length === tasksAtOnce;
}
