import type { Kysely } from 'kysely';
import { mayOn } from '../db/access/rights.ts';
import type { Subject } from '../db/access/rights.ts';
import type { Database } from '../db/database.ts';
import { notAllowed, notFound } from './permissions.ts';

const readers = {
  deploy: ['view_app_log', 'deploy_app', 'review_app_deploy_task'],
  instance: ['view_app_log', 'restart_app'],
} as const;

/** Throws unless the user may read the output of a task: hidden applications are not found. */
export async function outputPermission(db: Kysely<Database>, subject: Subject, taskId: number): Promise<void> {
  const task = await db
    .selectFrom('tasks')
    .select(['area', 'applicationId'])
    .where('id', '=', taskId)
    .executeTakeFirst();
  if (task?.applicationId == null || task.area === 'host') throw notFound();
  const seen = await mayOn(db, subject, 'application', 'view_app', task.applicationId);
  if (seen !== 'yes') throw notFound();
  for (const name of readers[task.area]) {
    if ((await mayOn(db, subject, 'application', name, task.applicationId)) === 'yes') return;
  }
  throw notAllowed(readers[task.area][0]);
}
