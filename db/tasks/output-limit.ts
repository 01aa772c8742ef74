// Keeps a task's output within its limit: half from the start, and a tail whose oldest lines are dropped for new ones.
// Sequence numbers stay; readers get one line in place of the dropped ones.
import { sql } from 'kysely';
import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../database.ts';
import type { OutputLine, TaskOutputRow } from './tables.ts';

const rowsALook = 2_000;

/** How far a task's output has come, and what is kept of it. */
interface OutputState {
  outputSeq: number;
  outputBytes: number;
  outputHeadSeq: number | null;
  outputEndSeq: number | null;
  outputEndBytes: number;
  outputGoneBytes: number;
}

export const outputState = [
  'outputSeq',
  'outputBytes',
  'outputHeadSeq',
  'outputEndSeq',
  'outputEndBytes',
  'outputGoneBytes',
] as const;

export interface NumberedLine extends OutputLine {
  seq: number;
}

const bytesOf = ({ text }: Pick<OutputLine, 'text'>): number => Buffer.byteLength(text) + 1;

const lossPattern = '^([0-9]+) bytes of [a-z]+ are missing here';

/** Says in the place of bytes that the host dropped before they were copied that they are missing. */
export const lossText = (bytes: number, stream: string): string =>
  `${bytes} bytes of ${stream} are missing here: they came faster than they were copied, and the host keeps the end`;

const lossIn = ({ stream, text }: OutputLine): number =>
  stream === 'system' ? Number(new RegExp(lossPattern).exec(text)?.[1] ?? 0) : 0;

/** A line that may have to go: its own bytes, and those that it says are missing. */
interface Weighed {
  seq: number;
  bytes: number;
  loss: number;
}

/** Numbers lines; those beyond half of the limit belong to the end, of which nothing is dropped yet. */
function numbered(lines: readonly OutputLine[], before: OutputState, limit: number) {
  const after = { ...before };
  const rows = lines.map((line): NumberedLine => {
    const bytes = bytesOf(line);
    const isOver = after.outputBytes + bytes > limit / 2;
    if (isOver && after.outputHeadSeq === null) {
      after.outputHeadSeq = after.outputSeq;
      after.outputEndSeq = after.outputSeq + 1;
    }
    if (after.outputHeadSeq === null) after.outputBytes += bytes;
    else after.outputEndBytes += bytes;
    after.outputSeq += 1;
    return { ...line, seq: after.outputSeq };
  });
  return { rows, after };
}

/** Takes the oldest of these until so many bytes are gone; `first` is the first that stays, if one does. */
function take(lines: readonly Weighed[], excess: number): { bytes: number; loss: number; first: number | null } {
  let [bytes, loss] = [0, 0];
  for (const line of lines) {
    if (bytes >= excess) return { bytes, loss, first: line.seq };
    bytes += line.bytes;
    loss += line.loss;
  }
  return { bytes, loss, first: null };
}

const lossColumn = sql<number>`case when stream = 'system'
  then coalesce(substring(text from ${sql.lit(lossPattern)})::bigint, 0) else 0 end`;

/** Takes the oldest stored lines of a range. */
async function takeStored(
  tx: Transaction<Database>,
  taskId: number,
  range: { from: number; to: number },
  excess: number,
): Promise<{ bytes: number; loss: number; first: number }> {
  let [bytes, loss] = [0, 0];
  for (let { from } = range; ;) {
    const oldest = await tx
      .selectFrom('taskOutput')
      .select(['seq', sql<number>`octet_length(text) + 1`.as('bytes'), lossColumn.as('loss')])
      .where('taskId', '=', taskId)
      .where('seq', '>=', from)
      .where('seq', '<', range.to)
      .orderBy('seq')
      .limit(rowsALook)
      .execute();
    const taken = take(oldest, excess - bytes);
    bytes += taken.bytes;
    loss += taken.loss;
    if (taken.first !== null) return { bytes, loss, first: taken.first };
    if (oldest.length < rowsALook) return { bytes, loss, first: range.to };
    from = (oldest.at(-1)?.seq ?? from) + 1;
  }
}

/** Numbers lines, drops what is over the limit, and tells which of them are to be stored, and the new state. */
export async function keepWithin(
  tx: Transaction<Database>,
  { taskId, lines, limitBytes }: { taskId: number; lines: readonly OutputLine[]; limitBytes: number },
  before: OutputState,
): Promise<{ rows: NumberedLine[]; state: OutputState }> {
  const { rows, after } = numbered(lines, before, limitBytes);
  const { outputEndSeq: endSeq, outputEndBytes, outputBytes } = after;
  const excess = outputEndBytes - Math.max(limitBytes - outputBytes, 0);
  if (endSeq === null || excess <= 0) return { rows, state: after };
  const range = { from: endSeq, to: Math.max(endSeq, before.outputSeq + 1) };
  const stored = await takeStored(tx, taskId, range, excess);
  await tx
    .deleteFrom('taskOutput')
    .where('taskId', '=', taskId)
    .where('seq', '>=', endSeq)
    .where('seq', '<', stored.first)
    .execute();
  // Of a batch that is larger than all that may be kept at least the last line stays.
  const own = rows.filter(({ seq }) => seq >= Math.max(endSeq, stored.first) && seq < after.outputSeq);
  const weighed = own.map((row): Weighed => ({ seq: row.seq, bytes: bytesOf(row), loss: lossIn(row) }));
  const taken = take(weighed, excess - stored.bytes);
  const first = taken.bytes > 0 ? (taken.first ?? after.outputSeq) : stored.first;
  const bytes = stored.bytes + taken.bytes;
  return {
    rows: rows.filter(({ seq }) => seq < endSeq || seq >= first),
    state: {
      ...after,
      outputEndSeq: first,
      outputEndBytes: outputEndBytes - bytes,
      outputGoneBytes: after.outputGoneBytes + bytes + stored.loss + taken.loss,
    },
  };
}

type Gap = Pick<OutputState, 'outputHeadSeq' | 'outputEndSeq' | 'outputGoneBytes'>;

/** A page of lines after a number, with the line for those that are gone where the page goes over them. */
export async function withGap(
  db: Kysely<Database>,
  rows: TaskOutputRow[],
  { taskId, after, limit }: { taskId: number; after: number; limit: number },
  { outputHeadSeq, outputEndSeq, outputGoneBytes }: Gap,
): Promise<TaskOutputRow[]> {
  if (outputHeadSeq === null || outputEndSeq === null) return rows;
  const seq = outputEndSeq - 1;
  const next = rows.findIndex((row) => row.seq > seq);
  const isWithin = seq > outputHeadSeq && after < seq && (next >= 0 || rows.length < limit);
  if (!isWithin) return rows;
  const follows = await db
    .selectFrom('taskOutput')
    .select(['time', 'host', 'step'])
    .where('taskId', '=', taskId)
    .where('seq', '>', seq)
    .orderBy('seq')
    .limit(1)
    .executeTakeFirst();
  // All of it is gone by its age.
  if (!follows) return rows;
  const size = after <= outputHeadSeq ? `, ${outputGoneBytes} bytes,` : '';
  const lines = `lines ${Math.max(after, outputHeadSeq) + 1} to ${seq}${size}`;
  const text = `${lines} are missing here: of long output the beginning and the end are kept`;
  const gap: TaskOutputRow = { taskId, seq, instanceId: null, stream: 'system', text, ...follows };
  const at = next < 0 ? rows.length : next;
  return [...rows.slice(0, at), gap, ...rows.slice(at)].slice(0, limit);
}
