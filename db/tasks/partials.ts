// Partial lines: the current, unfinished line of a job's stream. It has no sequence number; once finished it is stored as a
// regular line, and the partial is discarded.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import type { OutputLine } from './tables.ts';
import { notifyOutput } from './output.ts';

interface Partial extends OutputLine {
  taskId: number;
  /** One stream of one job, unique within the task. */
  source: string;
  /** Position in the source where the line begins. */
  position: number;
}

/** Stores a partial line; a no-op if the task has ended. */
export async function showPartial(db: Kysely<Database>, partial: Partial): Promise<void> {
  const { taskId, source, position, instanceId, host, step, stream, text } = partial;
  await sql`insert into task_partials (task_id, source, position, instance_id, host, step, stream, text)
    select id, ${source}, ${position}::bigint, ${instanceId}::bigint, ${host}, ${step}, ${stream}, ${text}
    from tasks where id = ${taskId} and status = 'running' for share
    on conflict (task_id, source) do update set position = excluded.position, text = excluded.text`.execute(db);
  await notifyOutput(db, taskId);
}

/** Deletes the partial line of a source. */
export async function dropPartial(db: Kysely<Database>, taskId: number, source: string): Promise<void> {
  await db.deleteFrom('taskPartials').where('taskId', '=', taskId).where('source', '=', source).execute();
}

/**
 * The lines of a task that have not ended, for who has its lines up to `seq`; undefined: there are more lines by now, which go
 * before.
 */
export async function readPartials(
  db: Kysely<Database>,
  taskId: number,
  seq: number,
): Promise<Omit<Partial, 'taskId'>[] | undefined> {
  const rows = await db
    .selectFrom('taskPartials as partial')
    .innerJoin('tasks', 'tasks.id', 'partial.taskId')
    .leftJoin('taskOutputCursors as cursor', (join) =>
      join.onRef('cursor.taskId', '=', 'partial.taskId').onRef('cursor.source', '=', 'partial.source'),
    )
    .where('partial.taskId', '=', taskId)
    .whereRef('partial.position', '=', sql<number>`coalesce(cursor.position, 0)`)
    .select(['partial.source', 'partial.position', 'partial.instanceId', 'partial.host', 'partial.step'])
    .select(['partial.stream', 'partial.text', 'tasks.outputSeq'])
    .orderBy('partial.source')
    .execute();
  if (rows.some(({ outputSeq }) => outputSeq > seq)) return undefined;
  return rows.map(({ outputSeq: _seq, ...row }) => row);
}
