// Output lines of tasks. A source (one stream of one job) is copied from a position that is kept in the same
// transaction as its lines, so whoever copies, and however often he dies, no line is lost or written twice. Sequence
// numbers come from the task's row: from 1, without gaps, in the order that readers may see them.
import { sql } from 'kysely';
import type { Kysely, Transaction } from 'kysely';
import type { OutputStream } from '../../workflows/tasks.ts';
import type { Database } from '../database.ts';
import type { TaskOutputRow } from './tables.ts';

export const outputChannel = 'task_output';

export interface OutputLine {
  instanceId: number | null;
  host: string;
  step: string;
  stream: OutputStream;
  text: string;
}

export interface OutputBatch {
  taskId: number;
  /** One stream of one job, unique within the task. */
  source: string;
  /** Position in the source where these lines begin, and where they end. */
  from: number;
  to: number;
  lines: OutputLine[];
  /** Bytes of text that a task may keep. */
  limitBytes: number;
}

/** Tells followers of the task that there is something new. */
export async function notifyOutput(db: Kysely<Database>, taskId: number): Promise<void> {
  await sql`select pg_notify(${outputChannel}, ${String(taskId)})`.execute(db);
}

/** Where the copy of a source stands. */
export const outputPosition = (db: Kysely<Database>, taskId: number, source: string): Promise<number> =>
  db
    .selectFrom('taskOutputCursors')
    .select('position')
    .where('taskId', '=', taskId)
    .where('source', '=', source)
    .executeTakeFirst()
    .then((row) => row?.position ?? 0);

/** Adds lines and moves the source's position; answers false, and changes nothing, when somebody else has moved it. */
export function appendOutput(db: Kysely<Database>, batch: OutputBatch): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const moved = await moveCursor(tx, batch);
    if (!moved) return false;
    if (batch.lines.length > 0) await insertLines(tx, batch);
    return true;
  });
}

async function moveCursor(tx: Transaction<Database>, { taskId, source, from, to }: OutputBatch): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('taskOutputCursors')
    .values({ taskId, source, position: to })
    .onConflict((conflict) =>
      conflict
        .columns(['taskId', 'source'])
        .doUpdateSet({ position: to })
        .where('taskOutputCursors.position', '=', from),
    )
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

async function insertLines(tx: Transaction<Database>, { taskId, lines, limitBytes }: OutputBatch): Promise<void> {
  // Not FOR UPDATE: two batches that both hold the cursor's foreign key on this row would wait for each other.
  const { outputSeq, outputBytes } = await tx
    .selectFrom('tasks')
    .select(['outputSeq', 'outputBytes'])
    .where('id', '=', taskId)
    .forNoKeyUpdate()
    .executeTakeFirstOrThrow();
  const { kept, bytes } = withinLimit(lines, outputBytes, limitBytes);
  await tx
    .updateTable('tasks')
    .set({ outputSeq: outputSeq + kept.length, outputBytes: bytes })
    .where('id', '=', taskId)
    .execute();
  if (kept.length === 0) return;
  await addLines(tx, taskId, outputSeq, kept);
  await notifyOutput(tx, taskId);
}

/** One array a column: a look at a job may bring a hundred thousand lines, and a parameter each would be too many. */
async function addLines(tx: Transaction<Database>, taskId: number, seq: number, lines: OutputLine[]): Promise<void> {
  await sql`insert into task_output (task_id, seq, instance_id, host, step, stream, text)
    select ${taskId}::bigint, ${seq}::bigint + number, instance_id, host, step, stream, text
    from unnest(${lines.map((line) => line.instanceId)}::bigint[], ${lines.map((line) => line.host)}::text[],
      ${lines.map((line) => line.step)}::text[], ${lines.map((line) => line.stream)}::text[],
      ${lines.map((line) => line.text)}::text[])
      with ordinality as line (instance_id, host, step, stream, text, number)`.execute(tx);
}

/** Lines that fit; the first that does not is replaced by one that says so, and nothing follows it. */
function withinLimit(lines: OutputLine[], before: number, limit: number): { kept: OutputLine[]; bytes: number } {
  const kept: OutputLine[] = [];
  let bytes = before;
  for (const line of lines) {
    const size = Buffer.byteLength(line.text) + 1;
    if (bytes + size <= limit) {
      kept.push(line);
      bytes += size;
    } else {
      if (bytes <= limit)
        kept.push({ ...line, stream: 'system', text: `output is cut here: it is over ${limit} bytes` });
      return { kept, bytes: limit + 1 };
    }
  }
  return { kept, bytes };
}

export interface OutputQuery {
  after: number;
  limit: number;
  instance?: number | undefined;
  stream?: OutputStream | undefined;
}

/** Lines of a task after a sequence number, in order. */
export function readOutput(db: Kysely<Database>, taskId: number, query: OutputQuery): Promise<TaskOutputRow[]> {
  let lines = db.selectFrom('taskOutput').selectAll().where('taskId', '=', taskId).where('seq', '>', query.after);
  if (query.instance !== undefined) lines = lines.where('instanceId', '=', query.instance);
  if (query.stream !== undefined) lines = lines.where('stream', '=', query.stream);
  return lines.orderBy('seq').limit(query.limit).execute();
}
