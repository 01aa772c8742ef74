import type { Kysely } from 'kysely';
import { mayOn, mayOnEach } from '../../db/access/rights.ts';
import type { Asker } from '../../db/access/rights.ts';
import type { Database } from '../../db/database.ts';
import { hostIdsOf, selectHostTasks } from '../../db/hosts/tasks.ts';
import { outputReaders } from '../../db/tasks/readers.ts';
import { notAllowed, notFound } from '../operations/permissions.ts';

/** Throws unless the user may read a task's output; hidden applications and hosts are a 404. */
export async function outputPermission(db: Kysely<Database>, asker: Asker, taskId: number): Promise<void> {
  const { subject } = asker;
  const task = await db
    .selectFrom('tasks')
    .select(['area', 'applicationId'])
    .where('id', '=', taskId)
    .executeTakeFirst();
  if (task?.area === 'host') return hostOutputPermission(db, asker, taskId);
  if (task?.applicationId == null) throw notFound();
  const seen = await mayOn(db, subject, 'application', 'view_app', task.applicationId);
  if (seen !== 'yes') throw notFound();
  for (const name of outputReaders[task.area]) {
    if ((await mayOn(db, subject, 'application', name, task.applicationId)) === 'yes') return;
  }
  throw notAllowed(outputReaders[task.area][0]);
}

/** The output of a host task mixes all its hosts, so the user must be allowed to view every one of them. */
export async function hostOutputPermission(db: Kysely<Database>, asker: Asker, taskId: number): Promise<void> {
  const task = await selectHostTasks(db, asker).where('tasks.id', '=', taskId).executeTakeFirst();
  if (!task) throw notFound();
  const may = await mayOnEach(db, asker.subject, 'host', 'view_host', await hostIdsOf(db, taskId));
  if ([...may.values()].some((one) => one !== 'yes')) throw notAllowed('view_host');
}
