import type { Kysely } from 'kysely';
import type { TaskArea } from '../../workflows/tasks/contract.ts';
import type { Database } from '../database.ts';

/** A one-line description of a task, and the names of its hosts. */
export async function hostsOfTask(
  db: Kysely<Database>,
  taskId: number,
): Promise<{ area: TaskArea; what: string; hosts: string[] }> {
  const task = await db
    .selectFrom('tasks')
    .select(['area', 'kind', 'version', 'creator'])
    .where('id', '=', taskId)
    .executeTakeFirstOrThrow();
  const rows = await db
    .selectFrom('taskResults')
    .select('hostname')
    .distinct()
    .where('taskId', '=', taskId)
    .orderBy('hostname')
    .execute();
  const version = task.version === null ? '' : ` to ${task.version}`;
  return {
    area: task.area,
    what: `${task.area} ${task.kind}${version}, task ${taskId} of ${task.creator}`,
    hosts: rows.map(({ hostname }) => hostname),
  };
}
