// Follows one job on a host to its end and copies its output into PostgreSQL. Nothing is remembered here: the job is
// known by its id, the copy by its position, so another worker that is given the same job goes on where this one was.
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import type { Kysely } from 'kysely';
import type { Database } from '../db/database.ts';
import { appendOutput, outputPosition } from '../db/tasks/output.ts';
import type { OutputLine } from '../db/tasks/output.ts';
import { splitLines } from './lines.ts';
import type { Job, JobState, Runner, RunnerHost } from './providers/runner/driver.ts';

const blockBytes = 256 * 1024;
const graceMs = 5_000;
const firstPollMs = 20;
const longestPollMs = 500;

/** Who a line belongs to. */
export type LineOrigin = Pick<OutputLine, 'instanceId' | 'host' | 'step'>;

export interface Followed {
  db: Kysely<Database>;
  limitBytes: number;
  taskId: number;
  origin: LineOrigin;
}

/** Starts the job unless the host has it already, and answers how it ended. */
export async function runJob(to: Followed, runner: Runner, host: RunnerHost, job: Job): Promise<JobState> {
  const { cancellationSignal } = Context.current();
  const isLeaving = (): boolean => cancellationSignal.aborted;
  if (isLeaving()) throw leaving();
  await runner.start(host, job);
  for (let pause = firstPollMs; ; pause = Math.min(pause * 2, longestPollMs)) {
    const state = await runner.state(host, job.id);
    const copied = await copyOutput(to, runner, host, job.id, state.state !== 'running');
    if (state.state !== 'running') {
      await addSystemLines(to, `${job.id} notes`, state.notes);
      return state;
    }
    if (isLeaving()) {
      const why = leaving();
      if (why instanceof CancelledFailure) await killJob(to, runner, host, job.id);
      throw why;
    }
    if (copied) pause = firstPollMs;
    await sleep(pause, undefined, { signal: cancellationSignal }).catch(() => undefined);
  }
}

/** A worker that goes hands its job over as it is; only a cancelled step takes its commands along. */
function leaving(): CancelledFailure | ApplicationFailure {
  return Context.current().cancellationDetails?.cancelRequested
    ? new CancelledFailure('the step was cancelled and its command killed')
    : ApplicationFailure.create({ type: 'HandedOver', message: 'this worker is leaving', nextRetryDelay: '100ms' });
}

/** Waits for work that needs no end of its own: an activity that is cancelled or handed over leaves it behind. */
export async function unlessLeaving<T>(work: Promise<T>): Promise<T> {
  const { cancellationSignal } = Context.current();
  const left = new Promise<never>((_resolve, reject) => {
    const leave = (): void => reject(leaving());
    if (cancellationSignal.aborted) leave();
    else cancellationSignal.addEventListener('abort', leave, { once: true });
  });
  return Promise.race([work, left]);
}

/** Ends a job on its host, whoever started it, and copies what it has written; one that has ended stays as it is. */
export async function killJob(to: Followed, runner: Runner, host: RunnerHost, jobId: string): Promise<void> {
  const { state } = await runner.state(host, jobId);
  if (state === 'absent') return;
  await runner.kill(host, jobId, graceMs);
  await copyOutput(to, runner, host, jobId, true);
  const { signal } = await runner.state(host, jobId);
  if (signal !== null) await addSystemLines(to, `${jobId} killed`, ['cancelled: the command was killed']);
}

/** Copies what is new in both streams; answers whether anything was. */
async function copyOutput(
  to: Followed,
  runner: Runner,
  host: RunnerHost,
  jobId: string,
  final: boolean,
): Promise<boolean> {
  let copied = false;
  for (const stream of ['stdout', 'stderr'] as const) {
    const source = `${jobId} ${stream}`;
    let from = await outputPosition(to.db, to.taskId, source);
    for (;;) {
      const { data, size } = await runner.output(host, jobId, stream, from, blockBytes);
      const atEnd = from + data.length >= size;
      const { lines, consumed } = splitLines(data, { final: final && atEnd });
      if (consumed === 0) break;
      const batch = lines.map(({ text }): OutputLine => ({ ...to.origin, stream, text }));
      const { db, taskId, limitBytes } = to;
      const mine = await appendOutput(db, { taskId, source, from, to: from + consumed, lines: batch, limitBytes });
      copied = true;
      from = mine ? from + consumed : await outputPosition(db, taskId, source);
      if (mine && atEnd) break;
    }
  }
  return copied;
}

/** Lines by Slipway itself, once for each source. */
export async function addSystemLines(to: Followed, source: string, texts: string[]): Promise<void> {
  if (texts.length === 0) return;
  const { db, taskId, limitBytes, origin } = to;
  const lines = texts.map((text): OutputLine => ({ ...origin, stream: 'system', text }));
  const written = await outputPosition(db, taskId, source);
  if (written === 0) await appendOutput(db, { taskId, source, from: 0, to: 1, lines, limitBytes });
}
