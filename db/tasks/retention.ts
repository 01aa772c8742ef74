import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';

const tasksAtOnce = 100;

/** Tasks that had ended before a moment: those below `below`, but for `except`. `isAll`: there are no others. */
export interface EndedBefore {
  below: number;
  except: number[];
  isAll: boolean;
}

/** The tasks that ended before `before`, told by the few among them that did not, at most `most`. */
export async function endedBefore(db: Kysely<Database>, before: Date, most = 2_000): Promise<EndedBefore> {
  const last = await db
    .selectFrom('tasks')
    .select('id')
    .where('finishedTime', '<', before)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  const end = (last?.id ?? 0) + 1;
  const rows = await db
    .selectFrom('tasks')
    .select('id')
    .where('id', '<', end)
    .where((where) => where.or([where('finishedTime', 'is', null), where('finishedTime', '>=', before)]))
    .orderBy('id')
    .limit(most + 1)
    .execute();
  const except = rows.map(({ id }) => id);
  const beyond = except.at(most);
  return { below: beyond ?? end, except: except.slice(0, most), isAll: beyond === undefined };
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
