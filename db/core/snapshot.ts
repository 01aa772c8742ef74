// Reads that take minutes run in one snapshot and hold a connection. They are limited by a semaphore of advisory locks,
// which end with the transaction even if the process crashes.
import { sql } from 'kysely';
import type { ControlledTransaction, Kysely } from 'kysely';
import type { Database } from '../database.ts';

/** At most `atOnce` open snapshots per purpose, over all processes. */
interface SnapshotLimit {
  purpose: string;
  atOnce: number;
}

/** Opens a read-only snapshot, to be ended with `rollback`; undefined at the limit. */
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
