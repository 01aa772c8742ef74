import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import { agreedTime, deletionWindow, type AlarmLog } from '../coordination/bounded-deletions.ts';

const tasksAtOnce = 100;
const dayMs = 86_400_000;

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

/**
 * Up to which end of a task its jobs may go that are kept for some days; undefined while clocks differ. It goes on by a day an
 * hour, until it is as far as it may be.
 */
export async function sweptUpTo(
  db: Kysely<Database>,
  kind: 'host_jobs' | 'local_jobs',
  { days, log, now }: { days: number; log: AlarmLog; now?: (() => number) | undefined },
): Promise<Date | undefined> {
  const time = await agreedTime(db, log, now);
  if (!time) return undefined;
  const first = await db
    .selectFrom('tasks')
    .where('finishedTime', 'is not', null)
    .select('finishedTime')
    .orderBy('finishedTime')
    .limit(1)
    .executeTakeFirst();
  const limit = new Date(time.getTime() - days * dayMs);
  return deletionWindow(db, kind, { oldest: first?.finishedTime ?? null, limit, goesOn: true });
}

/**
 * Removes the output of tasks that ended before `limit`, a day's worth of the oldest within an hour; returns whether there
 * is more of that. The tasks themselves stay.
 */
export async function forgetOutput(db: Kysely<Database>, limit: Date): Promise<boolean> {
  const [first] = await withOutput(db, limit).select('finishedTime').limit(1).execute();
  if (!first?.finishedTime) return false;
  const before = await deletionWindow(db, 'task_output', { oldest: first.finishedTime, limit });
  const old = await withOutput(db, before).select('id').limit(tasksAtOnce).execute();
  const ids = old.map(({ id }) => id);
  if (ids.length > 0) await db.deleteFrom('taskOutput').where('taskId', 'in', ids).execute();
  return ids.length === tasksAtOnce;
}

const withOutput = (db: Kysely<Database>, before: Date) =>
  db
    .selectFrom('tasks')
    .where('finishedTime', '<', before)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('taskOutput')
          .select(sql`1`.as('one'))
          .whereRef('taskOutput.taskId', '=', 'tasks.id'),
      ),
    )
    .orderBy('finishedTime');
