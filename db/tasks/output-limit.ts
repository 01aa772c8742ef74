// What a task keeps of output over its limit: half from the beginning, and the end, of which the oldest lines go for new ones.
// Numbers stay as they were given; who reads over those that are gone gets one line in their place that says so.
import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../database.ts';
import type { OutputLine } from './output.ts';
import type { TaskOutputRow } from './tables.ts';

const rowsALook = 2_000;

/** How far a task's output has come, and what is kept of it. */
export interface OutputState {
  outputSeq: number;
  outputBytes: number;
  outputHeadSeq: number | null;
  outputEndSeq: number | null;
  outputEndBytes: number;
  outputGoneBytes: number;
}

export const outputState = [
  ...(['outputSeq', 'outputBytes', 'outputHeadSeq'] as const),
  ...(['outputEndSeq', 'outputEndBytes', 'outputGoneBytes'] as const),
];

interface NumberedLine extends OutputLine {
  seq: number;
}

const bytesOf = ({ text }: Pick<OutputLine, 'text'>): number => Buffer.byteLength(text) + 1;

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

/** Takes the oldest of these until so many bytes are gone, but for the very last line. */
function take(lines: readonly { seq: number; bytes: number }[], excess: number, lastSeq: number) {
  let bytes = 0;
  const kept = lines.findIndex((line) => {
    if (bytes >= excess || line.seq === lastSeq) return true;
    bytes += line.bytes;
    return false;
  });
  return { bytes, kept: kept < 0 ? null : (lines[kept]?.seq ?? null) };
}

/** Which stored line of the end is the first to stay if so many bytes are to go; all of them may go where others follow. */
async function firstToStay(
  tx: Transaction<Database>,
  taskId: number,
  range: { from: number; to: number },
  excess: number,
) {
  let gone = 0;
  for (let { from } = range; ;) {
    const oldest = await tx
      .selectFrom('taskOutput')
      .select(({ fn, lit }) => ['seq', fn<number>('octet_length', ['text']).as('bytes'), lit(1).as('newline')])
      .where('taskId', '=', taskId)
      .where('seq', '>=', from)
      .where('seq', '<', range.to)
      .orderBy('seq')
      .limit(rowsALook)
      .execute();
    const lines = oldest.map(({ seq, bytes, newline }) => ({ seq, bytes: bytes + newline }));
    const { bytes, kept } = take(lines, excess - gone, Infinity);
    gone += bytes;
    if (kept !== null) return { seq: kept, gone };
    if (oldest.length < rowsALook) return { seq: range.to, gone };
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
  const stored = await firstToStay(tx, taskId, { from: endSeq, to: before.outputSeq + 1 }, excess);
  await tx
    .deleteFrom('taskOutput')
    .where('taskId', '=', taskId)
    .where('seq', '>=', endSeq)
    .where('seq', '<', stored.seq)
    .execute();
  const newest = rows.filter(({ seq }) => seq >= endSeq);
  const sizes = newest.map((row) => ({ seq: row.seq, bytes: bytesOf(row) }));
  const more = take(sizes, excess - stored.gone, after.outputSeq);
  const first = more.bytes > 0 ? (more.kept ?? stored.seq) : stored.seq;
  const gone = stored.gone + more.bytes;
  return {
    rows: rows.filter(({ seq }) => seq < endSeq || seq >= first),
    state: {
      ...after,
      outputEndSeq: first,
      outputEndBytes: outputEndBytes - gone,
      outputGoneBytes: after.outputGoneBytes + gone,
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
  const isWhole = after <= outputHeadSeq;
  const count = seq - Math.max(after, outputHeadSeq);
  const size = isWhole ? ` (${outputGoneBytes} bytes)` : '';
  const text = `${count} lines${size} are missing here: of long output the beginning and the end are kept`;
  const gap: TaskOutputRow = { taskId, seq, instanceId: null, stream: 'system', text, ...follows };
  const at = next < 0 ? rows.length : next;
  return [...rows.slice(0, at), gap, ...rows.slice(at)].slice(0, limit);
}
