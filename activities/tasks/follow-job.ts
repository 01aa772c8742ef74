// Follows one job on a host to its end and copies its output into PostgreSQL. Keeps no state: the job's id and the position
// of the copy let another worker resume.
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import type { Kysely } from 'kysely';
import type { Database } from '../../db/database.ts';
import { raceAbort } from '../../kit/abort.ts';
import { isRefusedForGood } from '../../db/core/sql-state.ts';
import { appendOutput, outputPosition } from '../../db/tasks/output.ts';
import { lossText } from '../../db/tasks/output-limit.ts';
import type { OutputLine } from '../../db/tasks/tables.ts';
import { splitLines } from './split-lines.ts';
import { Partials } from './partial-lines.ts';
import type { Job, JobView, Runner, RunnerHost, StreamOffsets } from '../providers/runner/driver.ts';

const graceMs = 5_000;
const firstPollMs = 20;
const longestPollMs = 500;

const streams = ['stdout', 'stderr'] as const;
type StreamName = (typeof streams)[number];

/** The instance, host and step of a line. */
type LineOrigin = Pick<OutputLine, 'instanceId' | 'host' | 'step'>;

export interface Followed {
  db: Kysely<Database>;
  limitBytes: number;
  taskId: number;
  origin: LineOrigin;
}

/** Starts the job unless the host already has it, and returns its end. `shown`: the streams shown to people. */
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
    // Showing a line before it ends is best effort.
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

/** On worker shutdown the job runs on for the next worker; only a cancelled step kills its commands. */
function leaving({ cancellationDetails } = Context.current()): CancelledFailure | ApplicationFailure {
  return cancellationDetails?.cancelRequested
    ? new CancelledFailure('the step was cancelled and its command killed')
    : ApplicationFailure.create({ type: 'HandedOver', message: 'this worker is leaving', nextRetryDelay: '100ms' });
}

/**
 * Awaits work that honours the abort signal. On worker shutdown the work is abandoned. On cancellation it is awaited,
 * because the subsequent undo must act last.
 */
export async function unlessShuttingDown<T>(work: Promise<T>): Promise<T> {
  // Listeners of the signal run outside the activity's context.
  const context = Context.current();
  const { cancellationSignal } = context;
  try {
    return await raceAbort(work, cancellationSignal, () => {
      const why = leaving(context);
      if (why instanceof CancelledFailure) return work;
      throw why;
    });
  } catch (error) {
    throw cancellationSignal.aborted ? leaving(context) : error;
  }
}

/** Ends a job on its host, started by any worker, and copies its output; an ended job is unchanged. */
export async function killJob(to: Followed, runner: Runner, host: RunnerHost, jobId: string): Promise<void> {
  const { state } = await runner.state(host, jobId);
  // Also a job that was never started: a stalled worker may still be about to.
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

/** Output that the database permanently rejects is lost; the command has ended all the same. */
function unlessRefused(error: unknown): undefined {
  if (!isRefusedForGood(error)) throw error;
}

const sourceOf = (jobId: string, stream: StreamName): string => `${jobId} ${stream}`;

async function positionsOf({ db, taskId }: Followed, jobId: string): Promise<StreamOffsets> {
  const position = (stream: StreamName) => outputPosition(db, taskId, sourceOf(jobId, stream));
  return { stdout: await position('stdout'), stderr: await position('stderr') };
}

/** Copies the output of a look; `hasMore`: another look would return more at once. */
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

/** Adds Slipway's own lines, once per source. */
export async function addSystemLines(to: Followed, source: string, texts: string[]): Promise<void> {
  if (texts.length === 0) return;
  const { db, taskId, limitBytes, origin } = to;
  const lines = texts.map((text): OutputLine => ({ ...origin, stream: 'system', text }));
  const written = await outputPosition(db, taskId, source);
  if (written === 0) await appendOutput(db, { taskId, source, from: 0, to: 1, lines, limitBytes });
}
