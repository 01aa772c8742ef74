// Selects hosts that still keep job folders of ended tasks, and the worker that asks each to delete them. Progress is kept
// as a time, not a task id: a task may end after many that started later.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { RunnerName } from '../../workflows/hosts/contract.ts';
import type { Database } from '../database.ts';
import { isAdmitted } from './ways.ts';
import type { HostAdmission } from './ways.ts';

const aDayAgo = sql<Date>`clock_timestamp() - interval '1 day'`;

/**
 * Hosts of these runners on which tasks ended before `before` whose jobs they still keep, except those asked within a day
 * or waiting for admission.
 */
export const hostsToSweep = (
  db: Kysely<Database>,
  runners: readonly RunnerName[],
  before: Date,
  most: number,
  admission: HostAdmission,
) =>
  db
    .selectFrom('hosts')
    .leftJoin('hostSweeps', 'hostSweeps.hostId', 'hosts.id')
    .select(['hosts.id', 'hosts.name', 'hosts.runner', 'hosts.minionId', 'hosts.ipAddress'])
    .where('hosts.runner', 'in', runners)
    .where('hosts.deletedTime', 'is', null)
    .$if(admission === 'manage', (query) => query.where(isAdmitted))
    .where((where) => where.or([where('askedTime', 'is', null), where('askedTime', '<', aDayAgo)]))
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('taskResults')
          .innerJoin('tasks', 'tasks.id', 'taskResults.taskId')
          .select(sql`1`.as('one'))
          .whereRef('taskResults.hostId', '=', 'hosts.id')
          .where('finishedTime', '<', before)
          .where((where) =>
            where.or([where('sweptBefore', 'is', null), where('finishedTime', '>=', where.ref('sweptBefore'))]),
          ),
      ),
    )
    .orderBy(sql`asked_time nulls first`)
    .orderBy('hosts.id')
    .limit(most)
    .execute();

/** Claims the sweep of a host for the caller; false if it was claimed within a day. */
export async function claimSweep(db: Kysely<Database>, hostId: number): Promise<boolean> {
  const askedTime = sql<Date>`clock_timestamp()`;
  const claimed = await db
    .insertInto('hostSweeps')
    .values({ hostId, askedTime, sweptBefore: null })
    .onConflict((conflict) =>
      conflict.column('hostId').doUpdateSet({ askedTime }).where('hostSweeps.askedTime', '<', aDayAgo),
    )
    .returning('hostId')
    .executeTakeFirst();
  return claimed !== undefined;
}

/** Records that the host has deleted the jobs of tasks that ended before `sweptBefore`. */
export async function recordSweep(db: Kysely<Database>, hostId: number, sweptBefore: Date): Promise<void> {
  await db.updateTable('hostSweeps').set({ sweptBefore }).where('hostId', '=', hostId).execute();
}
