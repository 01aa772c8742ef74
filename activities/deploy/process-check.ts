// Whether an instance runs is for its host to say. The row may not know: an undo that failed, a person, or the start of
// the machine can leave a process behind. So a stop looks first, what is told to start does not start beside itself, an undo
// waits for the end of what was told to end, and after a failure it is looked what runs now. Without a pid file nobody can tell.
import { notKnown } from '../../db/deploy/finish.ts';
import { markSeen } from '../../db/deploy/steps.ts';
import { isRefusedForGood } from '../../db/core/sql-state.ts';
import type { StepOutcome } from '../../workflows/deploy/ports.ts';
import type { ActivityDeps } from '../deps.ts';
import { refusedForGood } from '../interceptors/failure.ts';
import { addSystemLines } from '../tasks/follow-job.ts';
import { ProviderError } from '../providers/error.ts';
import { runJobs } from '../tasks/run-step.ts';
import type { StepJob, Work } from '../tasks/run-step.ts';
import { lookAt, seenBefore, toldToEnd } from './seen.ts';
import type { Seen } from './seen.ts';

const nothing: StepOutcome = { ok: true, message: null };

/** The jobs of a stop; the look is undefined without a pid file. `stop` is told whether something is known to run, and what. */
export interface Stopping {
  look: StepJob | undefined;
  stop(isSure: boolean, process: string): StepJob[];
}

/**
 * Stops what runs, whatever is recorded; what is found is recorded, so that an undo starts it again. Without a pid file the
 * stop command is run to be sure. It is not run for a process that has only come by the number in the pid file.
 */
export async function stopWhatRuns(deps: ActivityDeps, work: Work, { look, stop }: Stopping): Promise<StepOutcome> {
  const { setup, ranBefore } = work.row;
  if (setup.stopCmd === '') return nothing;
  if (!look) return ranBefore ? runJobs(work, stop(true, '')) : stopToBeSure(work, stop);
  const seen = await lookAt(work, look);
  if (typeof seen === 'string') return { ok: false, message: seen };
  if (!seen.runs && (!ranBefore || seen.other !== '')) {
    if (!ranBefore) await markSeen(deps.db, work.row, 'stopped');
    const message = `nothing ran, nothing was stopped${ofAnother(seen)}`;
    if (ranBefore) await addSystemLines(work.to, `${look.id} other`, [message]);
    return { ok: true, message };
  }
  if (!ranBefore) await markSeen(deps.db, work.row, 'running');
  const stopped = await runJobs(work, stop(true, seen.process));
  return stopped.ok && !ranBefore ? { ok: true, message: 'it ran, though recorded as stopped' } : stopped;
}

async function stopToBeSure(work: Work, stop: Stopping['stop']): Promise<StepOutcome> {
  const release = await work.runner.stat(work.host, `${work.row.setup.deployPath}/current`);
  return release.kind === 'directory' ? runJobs(work, stop(false, '')) : nothing;
}

const ofAnother = ({ other }: Seen): string =>
  other === '' ? '' : `: process ${other} of the pid file is not the application's`;

/** Starts what does not run. */
export async function startUnlessRuns(work: Work, look: StepJob | undefined, start: StepJob[]): Promise<StepOutcome> {
  if (!look) return runJobs(work, start);
  const seen = await lookAt(work, look);
  if (typeof seen === 'string') return { ok: false, message: seen };
  return seen.runs ? { ok: true, message: 'it ran already, nothing was started' } : runJobs(work, start);
}

/** Starts another version; what ran before the start is looked at, so that nothing of it is taken for what was started. */
export async function startNew(work: Work, look: StepJob | undefined, start: StepJob[]): Promise<StepOutcome> {
  if (start.length === 0) return nothing;
  const seen = look ? await lookAt(work, look) : null;
  return typeof seen === 'string' ? { ok: false, message: seen } : runJobs(work, start);
}

/** Looks and commands of earlier steps, by the ids of their jobs. */
export interface Before {
  lookId: string;
  commandId: string;
}

/** The jobs of an undo of a start. */
export interface Unstarting {
  look: StepJob | undefined;
  /** The stop command of the application; without a time of the start also the wait for the process of the pid file. */
  stop(since: string): StepJob[];
  /** Ends what the start has left; told since when its processes can have begun, and whether the stop command was run. */
  end(since: string, isStopped: boolean): StepJob[];
}

/** Ends what a start has started, also where it has not shown itself. */
export async function stopStarted(work: Work, before: Before, { look, stop, end }: Unstarting): Promise<StepOutcome> {
  const began = await work.runner.state(work.host, before.commandId);
  const since = (await seenBefore(work, before.lookId))?.time ?? '';
  const stopping = stop(since);
  const seen = look && stopping.length > 0 ? await lookAt(work, look) : null;
  // The stop command would reach the wrong process.
  const isOther = seen !== null && typeof seen !== 'string' && seen.other !== '';
  const stopped = isOther ? nothing : await runJobs(work, stopping);
  if (!stopped.ok || began.state === 'absent') return stopped;
  return runJobs(work, end(since, stopping.length > 0 && !isOther));
}

/** The jobs that bring back what a stop has stopped. */
export interface Restarting {
  /** Waits for the end of a process that was told to end. */
  endTold(process: string): StepJob[];
  look: StepJob | undefined;
  /** The start command and the look whether it came up, since then. */
  start(since: string): StepJob[];
}

/** Starts again what was stopped, after its end and never beside itself. */
export async function startAgain(work: Work, before: Before, jobs: Restarting): Promise<StepOutcome> {
  const { look } = jobs;
  const { startupCmd, stopCmd } = work.row.setup;
  const ended = await awaitTold(work, before, jobs.endTold);
  if (!ended.ok) return ended;
  const seen = look ? await lookAt(work, look) : null;
  if (typeof seen === 'string') return { ok: false, message: seen };
  if (seen?.runs) {
    const pid = seen.process.split(' ')[0] ?? '';
    await addSystemLines(work.to, 'start_old found', [`process ${pid} still runs, nothing is started beside it`]);
    return nothing;
  }
  if (startupCmd !== '') return runJobs(work, jobs.start(seen?.time ?? ''));
  const stop = await work.runner.state(work.host, before.commandId);
  if (stopCmd === '' || stop.state === 'absent') return nothing;
  return { ok: false, message: 'it was stopped, and there is no startup_cmd to start it again' };
}

/** Waits for the end of what the stop of a task has told to end, so that nobody takes it for running. */
export async function awaitTold(
  work: Work,
  { lookId, commandId }: Before,
  endTold: Restarting['endTold'],
): Promise<StepOutcome> {
  const told = await toldToEnd(work, lookId, commandId);
  return told === '' ? nothing : runJobs(work, endTold(told));
}

/** What a host says at the end of a task that failed; in words why it does not. */
export async function answerOf<T>(ask: () => Promise<T>): Promise<T | string> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ProviderError) return `no answer: ${error.message}`;
    if (isRefusedForGood(error)) return refusedForGood(error);
    throw error;
  }
}

/** Why something failed, and that nobody can tell what runs now. */
export const withNotKnown = (message: string | null, why: string): string =>
  `${message === null ? '' : `${message}; `}${notKnown}: ${why}`;
