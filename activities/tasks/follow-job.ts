// Follows one job on a host to its end and copies its output into PostgreSQL. Nothing is remembered here: the job is
// known by its id, the copy by its position, so another worker that is given the same job goes on where this one was.
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import type { Kysely } from 'kysely';
import type { Database } from '../../db/database.ts';
import { isRefusedForGood } from '../../db/core/sql-state.ts';
import { appendOutput, outputPosition } from '../../db/tasks/output.ts';
import { lossText } from '../../db/tasks/output-limit.ts';
import type { OutputLine } from '../../db/tasks/output.ts';
import { splitLines } from './split-lines.ts';
import { Partials } from './partial-lines.ts';
import type { Job, JobView, Runner, RunnerHost, StreamOffsets } from '../providers/runner/driver.ts';

const graceMs = 5_000;
const firstPollMs = 20;
const longestPollMs = 500;

const streams = ['stdout', 'stderr'] as const;
type StreamName = (typeof streams)[number];

/** Who a line belongs to. */
export type LineOrigin = Pick<OutputLine, 'instanceId' | 'host' | 'step'>;

export interface Followed {
  db: Kysely<Database>;
  limitBytes: number;
  taskId: number;
  origin: LineOrigin;
}

/** Starts the job unless the host has it already, and returns its end. `shown`: the streams that people see. */
export async function runJob(
  to: Followed,
  runner: Runner,
  host: RunnerHost,
  job: Job,
  shown: readonly StreamName[] = streams,
): Promise<JobView> {
  const { cancellationSignal } = Context.current();
  const isLeaving = (): boolean => cancellationSignal.aborted;
  if (isLeaving()) throw leaving();
  const partials = new Partials(to, (stream) => sourceOf(job.id, stream));
  let from = await positionsOf(to, job.id);
  let view = await runner.run(host, { ...job, outputLimitBytes: to.limitBytes }, from);
  for (let pause = firstPollMs; ; pause = Math.min(pause * 2, longestPollMs)) {
    const { next, copied, hasMore } = await copyView(to, job.id, from, view, shown);
    // What is shown of a line before it ends is worth no failure.
    await (view.state === 'running' ? partials.show(view, from, next) : partials.end()).catch(() => undefined);
    if (view.state !== 'running' && !hasMore) {
      await addSystemLines(to, `${job.id} notes`, view.notes);
      return view;
    }
    if (isLeaving()) {
      const why = leaving();
      if (why instanceof CancelledFailure) await killJob(to, runner, host, job.id);
      throw why;
    }
    if (copied) pause = firstPollMs;
    if (!hasMore) await sleep(pause, undefined, { signal: cancellationSignal }).catch(() => undefined);
    from = next;
    view = await runner.look(host, job.id, from);
  }
}

/** A worker that goes hands its job over as it is; only a cancelled step takes its commands along. */
function leaving({ cancellationDetails } = Context.current()): CancelledFailure | ApplicationFailure {
  return cancellationDetails?.cancelRequested
    ? new CancelledFailure('the step was cancelled and its command killed')
    : ApplicationFailure.create({ type: 'HandedOver', message: 'this worker is leaving', nextRetryDelay: '100ms' });
}

/**
 * Waits for work that hears the activity's signal. A worker that goes leaves it behind. A cancelled activity ends after it, as
 * what comes then takes back what was done, and must have the last word.
 */
export async function unlessShuttingDown<T>(work: Promise<T>): Promise<T> {
  // The signal's listeners are called outside of the activity.
  const context = Context.current();
  const { cancellationSignal } = context;
  const left = new Promise<never>((_resolve, reject) => {
    const leave = (): void => {
      const why = leaving(context);
      if (!(why instanceof CancelledFailure)) reject(why);
    };
    if (cancellationSignal.aborted) leave();
    else cancellationSignal.addEventListener('abort', leave, { once: true });
  });
  try {
    return await Promise.race([work, left]);
  } catch (error) {
    throw cancellationSignal.aborted ? leaving(context) : error;
  }
}

/** Ends a job on its host, whoever started it, and copies what it has written; one that has ended stays as it is. */
export async function killJob(to: Followed, runner: Runner, host: RunnerHost, jobId: string): Promise<void> {
  const { state } = await runner.state(host, jobId);
  // Also what was never started: a worker that stalls may still be about to.
  await runner.kill(host, jobId, graceMs);
  for (let from = await positionsOf(to, jobId); ;) {
    const view = await runner.look(host, jobId, from);
    const copied = await copyView(to, jobId, from, view).catch(unlessRefused);
    if (copied) from = copied.next;
    if (copied?.hasMore) continue;
    if (state !== 'absent' && view.signal !== null)
      await addSystemLines(to, `${jobId} killed`, ['cancelled: the command was killed']);
    return;
  }
}

/** What can't be written for good is lost; the command has ended all the same. */
function unlessRefused(error: unknown): undefined {
  if (!isRefusedForGood(error)) throw error;
}

const sourceOf = (jobId: string, stream: StreamName): string => `${jobId} ${stream}`;

async function positionsOf({ db, taskId }: Followed, jobId: string): Promise<StreamOffsets> {
  const position = (stream: StreamName) => outputPosition(db, taskId, sourceOf(jobId, stream));
  return { stdout: await position('stdout'), stderr: await position('stderr') };
}

/** Copies what a look from there has shown; `hasMore`: another one would show more at once. */
async function copyView(
  to: Followed,
  jobId: string,
  from: StreamOffsets,
  view: JobView,
  shown: readonly StreamName[] = streams,
): Promise<{ next: StreamOffsets; copied: boolean; hasMore: boolean }> {
  const { db, taskId, limitBytes } = to;
  const next = { ...from };
  let copied = false;
  let hasMore = false;
  for (const stream of shown) {
    const { data, size, offset, isCut } = view[stream];
    const start = from[stream];
    const atEnd = offset + data.length >= size;
    const { lines, consumed } = splitLines(data, { final: isCut || (view.state !== 'running' && atEnd) });
    const end = offset + consumed;
    if (end === start) continue;
    const source = sourceOf(jobId, stream);
    const batch = lines.map(({ text }): OutputLine => ({ ...to.origin, stream, text }));
    if (offset > start) batch.unshift({ ...to.origin, stream: 'system', text: lossText(offset - start, stream) });
    const isMine = await appendOutput(db, { taskId, source, from: start, to: end, lines: batch, limitBytes });
    next[stream] = isMine ? end : await outputPosition(db, taskId, source);
    copied = true;
    hasMore ||= !isMine || !atEnd;
  }
  return { next, copied, hasMore };
}

/** Lines by Slipway itself, once for each source. */
export async function addSystemLines(to: Followed, source: string, texts: string[]): Promise<void> {
  if (texts.length === 0) return;
  const { db, taskId, limitBytes, origin } = to;
  const lines = texts.map((text): OutputLine => ({ ...origin, stream: 'system', text }));
  const written = await outputPosition(db, taskId, source);
  if (written === 0) await appendOutput(db, { taskId, source, from: 0, to: 1, lines, limitBytes });
}
