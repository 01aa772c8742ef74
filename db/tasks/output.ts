// Output lines of tasks. The copy position of a source (one stream of one job) is stored in the same transaction as its
// lines, so crashes and concurrent copiers neither lose nor duplicate lines. Sequence numbers come from the task's row: from
// 1, without gaps, in the order in which they become visible.
import { sql } from 'kysely';
import type { Kysely, Transaction } from 'kysely';
import type { OutputStream } from '../../workflows/tasks/contract.ts';
import type { Database } from '../database.ts';
import { keepWithin, outputState, withGap } from './output-limit.ts';
import type { NumberedLine } from './output-limit.ts';
import type { OutputLine, TaskOutputRow } from './tables.ts';

export const outputChannel = 'task_output';

interface OutputBatch {
  taskId: number;
  /** One stream of one job, unique within the task. */
  source: string;
  /** Position in the source where these lines begin, and where they end. */
  from: number;
  to: number;
  lines: OutputLine[];
  /** Bytes of text that a task may keep, of its beginning and its end. */
  limitBytes: number;
}

/** Notifies followers of the task of new output. */
export async function notifyOutput(db: Kysely<Database>, taskId: number): Promise<void> {
  await sql`select pg_notify(${outputChannel}, ${String(taskId)})`.execute(db);
}

/** The copy position of a source. */
export const outputPosition = (db: Kysely<Database>, taskId: number, source: string): Promise<number> =>
  db
    .selectFrom('taskOutputCursors')
    .select('position')
    .where('taskId', '=', taskId)
    .where('source', '=', source)
    .executeTakeFirst()
    .then((row) => row?.position ?? 0);

/** Adds lines and moves the source's position; returns false, without changes, if it was moved concurrently. */
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
  const before = await tx
    .selectFrom('tasks')
    .select(outputState)
    .where('id', '=', taskId)
    .forNoKeyUpdate()
    .executeTakeFirstOrThrow();
  const { rows, state } = await keepWithin(tx, { taskId, lines, limitBytes }, before);
  await tx.updateTable('tasks').set(state).where('id', '=', taskId).execute();
  await addLines(tx, taskId, rows);
  await notifyOutput(tx, taskId);
}

/** One array a column: a look at a job may bring a hundred thousand lines, and a parameter each would be too many. */
async function addLines(tx: Transaction<Database>, taskId: number, lines: readonly NumberedLine[]): Promise<void> {
  if (lines.length === 0) return;
  await sql`insert into task_output (task_id, seq, instance_id, host, step, stream, text)
    select ${taskId}::bigint, seq, instance_id, host, step, stream, text
    from unnest(${lines.map((line) => line.seq)}::bigint[], ${lines.map((line) => line.instanceId)}::bigint[],
      ${lines.map((line) => line.host)}::text[], ${lines.map((line) => line.step)}::text[],
      ${lines.map((line) => line.stream)}::text[], ${lines.map((line) => line.text)}::text[])
      as line (seq, instance_id, host, step, stream, text)`.execute(tx);
}

interface OutputQuery {
  after: number;
  limit: number;
  /** Most bytes of text at once; one line comes whatever its length. */
  bytes?: number | undefined;
  instance?: number | undefined;
  stream?: OutputStream | undefined;
}

/** Lines of a task after a sequence number, in order; in the place of those that are gone one that says so. */
export const readOutput = async (db: Kysely<Database>, taskId: number, query: OutputQuery): Promise<TaskOutputRow[]> =>
  (await readBatch(db, taskId, query)).rows;

const unlimited = Number.MAX_SAFE_INTEGER;

/** The same, and whether the limits have left lines out. */
export async function readBatch(
  db: Kysely<Database>,
  taskId: number,
  query: OutputQuery,
): Promise<{ rows: TaskOutputRow[]; isCut: boolean }> {
  const { after, limit, bytes = unlimited, instance, stream } = query;
  // Read in one snapshot: lines dropped meanwhile must be reported.
  const found = await db
    .selectFrom('tasks')
    .leftJoinLateral(
      (from) => {
        let lines = from
          .selectFrom('taskOutput')
          .selectAll('taskOutput')
          .where('taskId', '=', taskId)
          .where('seq', '>', after);
        if (instance !== undefined) lines = lines.where('instanceId', '=', instance);
        if (stream !== undefined) lines = lines.where('stream', '=', stream);
        const weighed = from
          .selectFrom(lines.orderBy('seq').limit(limit).as('one'))
          .selectAll('one')
          .select(sql<number>`coalesce(sum(octet_length(one.text)) over before, 0)`.as('bytesBefore'))
          .select(sql<number>`count(*) over ()`.as('ofLines'))
          .modifyEnd(sql`window before as (order by one.seq rows between unbounded preceding and 1 preceding)`);
        return from.selectFrom(weighed.as('line')).selectAll('line').where('bytesBefore', '<', bytes).as('line');
      },
      (join) => join.onTrue(),
    )
    .selectAll('line')
    .select(['outputHeadSeq', 'outputEndSeq', 'outputGoneBytes'])
    .where('tasks.id', '=', taskId)
    .orderBy('seq')
    .execute();
  const rows = found.flatMap(({ outputHeadSeq, outputEndSeq, outputGoneBytes, bytesBefore, ofLines, ...row }) =>
    row.seq === null ? [] : [row as TaskOutputRow],
  );
  const [gap] = found;
  const most = rows.length < (gap?.ofLines ?? 0) ? rows.length : limit;
  return {
    rows: gap ? await withGap(db, rows, { taskId, after, limit: most }, gap) : rows,
    isCut: rows.length >= most,
  };
}
