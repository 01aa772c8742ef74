import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import { insertRows } from '../core/row-batches.ts';
import type { ShippedPackageRow } from './tables.ts';

/** Packages by id, locked against deletion until the end of the transaction. */
export const packagesNamed = (tx: Kysely<Database>, ids: readonly number[]): Promise<ShippedPackageRow[]> =>
  tx
    .selectFrom('shippedPackages')
    .selectAll()
    .where('id', 'in', ids.length > 0 ? ids : [0])
    .orderBy('id')
    .forShare()
    .execute();

/** Stores a snapshot of the packages that a task installs, in this order. */
export async function keepPackages(
  tx: Kysely<Database>,
  taskId: number,
  packages: readonly ShippedPackageRow[],
): Promise<void> {
  const rows = packages.map(({ id, name, type, version, source, sha256 }, seq) => ({
    taskId,
    seq,
    packageId: id,
    name,
    type,
    version,
    source,
    sha256,
  }));
  await insertRows(tx, 'taskPackages', rows);
}

/** The running task that installs a package, if there is one. */
export const taskInstalling = (db: Kysely<Database>, packageId: number): Promise<number | undefined> =>
  db
    .selectFrom('taskPackages')
    .innerJoin('tasks', 'tasks.id', 'taskPackages.taskId')
    .select('tasks.id')
    .where('taskPackages.packageId', '=', packageId)
    .where('tasks.status', '=', 'running')
    .limit(1)
    .executeTakeFirst()
    .then((row) => row?.id);
