import type { Kysely } from 'kysely';
import type { TaskArea } from '../../workflows/tasks/contract.ts';
import type { Database } from '../database.ts';

/** Running tasks of an area from before `before`, after an id, in order. */
export const openTasks = (db: Kysely<Database>, area: TaskArea, before: Date, after: number, limit: number) =>
  db
    .selectFrom('tasks')
    .select(['id', 'kind', 'number', 'deployTaskId'])
    .where('area', '=', area)
    .where('status', '=', 'running')
    .where('createdTime', '<', before)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute();
