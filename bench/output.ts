// A million short lines from ten instances at once, against a bare COPY of the same rows: the time, whether the memory of
// worker and API grows with the lines they pass on, and whether the followers keep up.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { timed } from './harness.ts';
import { until } from './until.ts';
import type { Benchmark, Row } from './harness.ts';
import { groundOf, instances } from './output/ground.ts';
import type { Ground, Watcher } from './output/ground.ts';

const watchers = 5;
const patienceMs = 1_800_000;
const lookMs = 250;
const printed = "step = 'pre_exec' and stream = 'stdout'";

/** Current resident memory of a process, in MiB. */
const resident = (pid: number): number =>
  (Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4_096) / 1024 / 1024;

interface Peaks {
  early: number;
  late: number;
}

/** Peak memory of a process during the first tenth of the lines, and until the end. */
function memoryOf(pid: number): { look(isEarly: boolean): void; peaks: Peaks } {
  const peaks = { early: 0, late: 0 };
  const look = (isEarly: boolean): void => {
    const now = resident(pid);
    if (isEarly) peaks.early = Math.max(peaks.early, now);
    peaks.late = Math.max(peaks.late, now);
  };
  return { look, peaks };
}

async function followed({ db, workerPid, apiPid }: Ground, taskId: number, count: number) {
  const memory = { worker: memoryOf(workerPid), api: memoryOf(apiPid) };
  const task = db.selectFrom('tasks').select(['outputSeq', 'status']).where('id', '=', taskId);
  let looked = 0;
  await until(async () => {
    const { outputSeq, status } = await task.executeTakeFirstOrThrow();
    if (performance.now() - looked >= lookMs) {
      looked = performance.now();
      for (const one of Object.values(memory)) one.look(outputSeq <= count / 10);
    }
    if (status === 'failed') throw new Error('the upgrade failed');
    return status === 'finished';
  }, patienceMs);
  return { worker: memory.worker.peaks, api: memory.api.peaks };
}

/** Time from the first batch of lines to the last, in ms, and the number of lines. */
async function storing({ db }: Ground, taskId: number): Promise<{ ms: number; lines: number; first: number }> {
  const { rows } = await sql<{ first: Date; last: Date; lines: number }>`
    select min(time) as first, max(time) as last, count(*) as lines from task_output
    where task_id = ${taskId} and ${sql.raw(printed)}`.execute(db);
  const [{ first, last, lines } = { first: new Date(), last: new Date(), lines: 0 }] = rows;
  return { ms: last.getTime() - first.getTime(), lines, first: first.getTime() };
}

/** The same rows by COPY into a table of the same shape. */
async function bareCopy({ db }: Ground, taskId: number): Promise<number> {
  const file = join(tmpdir(), `slipway-bench-${randomBytes(6).toString('hex')}`);
  await sql`create table bare_output (like task_output including all)`.execute(db);
  const rows = `select * from task_output where task_id = ${taskId} and ${printed} order by seq`;
  // The file belongs to the server's user, so no other can remove it; it is truncated at the end.
  await sql.raw(`copy (${rows}) to '${file}'`).execute(db);
  const ms = await timed(() => sql.raw(`copy bare_output from '${file}'`).execute(db));
  await sql.raw(`copy (select where false) to program 'rm -f ${file}'`).execute(db);
  return ms;
}

const percentile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? 0;

const row = (name: string, unit: Row['unit'], aim: number, base: number, ours: number): Row => ({
  name,
  unit,
  aim,
  noise: null,
  base,
  ours,
  ratio: ours / base,
});

async function watched(
  all: readonly Watcher[],
  first: number,
): Promise<{ fastest: number; slowest: number; lag: number }> {
  const ends = (await Promise.all(all.map(({ ended }) => ended))).map((end) => end - first);
  const lag = percentile(
    all.flatMap(({ lags }) => lags),
    0.95,
  );
  return { fastest: Math.min(...ends), slowest: Math.max(...ends), lag };
}

export const output: Benchmark = async ({ stack, quick, say }) => {
  const each = quick ? 10_000 : 100_000;
  const ground = await groundOf(stack);
  try {
    // Measured warm: the worker and the API have already done some work.
    const warm = await ground.upgrade(1_000);
    await followed(ground, warm, instances * 1_000);
    const count = each * instances;
    say(`output: ${count} lines from ${instances} instances, ${watchers} watchers`);
    const taskId = await ground.upgrade(each);
    const all = Array.from({ length: watchers }, () => ground.watch(taskId));
    const { worker, api } = await followed(ground, taskId, count);
    const { ms, lines, first } = await storing(ground, taskId);
    if (lines !== count) throw new Error(`${lines} of ${count} lines were kept`);
    const { fastest, slowest, lag } = await watched(all, first);
    if (all.some((one) => one.lines < count)) throw new Error('a watcher has not got every line');
    const copied = await bareCopy(ground, taskId);
    return [
      row(`${count} lines of output, against COPY`, 's', 20, copied / 1_000, ms / 1_000),
      row('worker, most memory at 10 % and in the end', 'MiB', 1.3, worker.early, worker.late),
      row('API, most memory at 10 % and in the end', 'MiB', 1.3, api.early, api.late),
      row(`${watchers} watchers, the first and the last at the end`, 's', 1.1, fastest / 1_000, slowest / 1_000),
      row('lag of 95 % of the lines, of the whole run', 's', 0.2, ms / 1_000, lag / 1_000),
    ];
  } finally {
    await ground.stop();
  }
};
