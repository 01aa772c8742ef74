// What reads for minutes does so in one snapshot, and holds a connection for it. So there are few at a time, counted by
// advisory locks that end with the transaction, whatever happens to the process.
import { sql } from 'kysely';
import type { ControlledTransaction, Kysely } from 'kysely';
import type { Database } from '../database.ts';

/** At most `atOnce` snapshots are open for a purpose, in all processes together. */
export interface SnapshotLimit {
  purpose: string;
  atOnce: number;
}

/** Opens a snapshot for reading, to be ended by `rollback`; undefined when a limit is reached. */
export async function openSnapshot(
  db: Kysely<Database>,
  limits: readonly SnapshotLimit[],
): Promise<ControlledTransaction<Database> | undefined> {
  const snapshot = await db
    .startTransaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute();
  try {
    for (const limit of limits)
      if (!(await takeSlot(snapshot, limit))) {
        await snapshot.rollback().execute();
        return undefined;
      }
    return snapshot;
  } catch (error) {
    if (!snapshot.isRolledBack) await snapshot.rollback().execute();
    throw error;
  }
}

async function takeSlot(snapshot: Kysely<Database>, { purpose, atOnce }: SnapshotLimit): Promise<boolean> {
  for (let slot = 1; slot <= atOnce; slot++) {
    const { rows } = await sql<{ mine: boolean }>`
      select pg_try_advisory_xact_lock(hashtextextended(${`${purpose}: ${slot}`}, 7301)) as mine`.execute(snapshot);
    if (rows[0]?.mine) return true;
  }
  return false;
}
