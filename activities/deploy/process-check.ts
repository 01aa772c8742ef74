// Checks on the host whether an instance runs: the database may be stale after a failed undo, manual work or a reboot. So a
// stop and a start look first, an undo waits until processes being stopped have ended, and a failure records what still
// runs. Without a pid file the state is unknown.
import { notKnown } from '../../db/deploy/finish.ts';
import { markSeen } from '../../db/deploy/steps.ts';
import { isRefusedForGood } from '../../db/core/sql-state.ts';
import type { StepOutcome } from '../../workflows/deploy/ports.ts';
import type { ActivityDeps } from '../deps.ts';
import { refusedForGood } from '../interceptors/failure.ts';
import { addSystemLines } from '../tasks/follow-job.ts';
import { ProviderError } from '../providers/error.ts';
import { runJobs } from '../tasks/run-step.ts';
import type { StepJob, StepWork } from '../tasks/run-step.ts';
import { lookAt, seenBefore, toldToEnd } from './seen.ts';
import type { Seen } from './seen.ts';

const nothing: StepOutcome = { ok: true, message: null };

/**
 * The jobs of a stop. `look` is undefined without a pid file. `isSure`: something is known to run; `process`: its identity.
 */
interface Stopping {
  look: StepJob | undefined;
  stop(isSure: boolean, process: string): StepJob[];
}

/**
 * Stops a running process whatever the database says, and records it so that an undo restarts it. Without a pid file, runs
 * the stop command to be sure. Does not run it for an unrelated process that reuses the number in the pid file.
 */
export async function stopWhatRuns(deps: ActivityDeps, work: StepWork, { look, stop }: Stopping): Promise<StepOutcome> {
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

async function stopToBeSure(work: StepWork, stop: Stopping['stop']): Promise<StepOutcome> {
  const release = await work.runner.stat(work.host, `${work.row.setup.deployPath}/current`);
  return release.kind === 'directory' ? runJobs(work, stop(false, '')) : nothing;
}

const ofAnother = ({ other }: Seen): string =>
  other === '' ? '' : `: process ${other} of the pid file is not the application's`;

/** Starts the instance unless it runs. */
export async function startUnlessRuns(
  work: StepWork,
  look: StepJob | undefined,
  start: StepJob[],
): Promise<StepOutcome> {
  if (!look) return runJobs(work, start);
  const seen = await lookAt(work, look);
  if (typeof seen === 'string') return { ok: false, message: seen };
  return seen.runs ? { ok: true, message: 'it ran already, nothing was started' } : runJobs(work, start);
}

/** Starts another version. Looks before the start, so that older processes are not taken for the new ones. */
export async function startNew(work: StepWork, look: StepJob | undefined, start: StepJob[]): Promise<StepOutcome> {
  if (start.length === 0) return nothing;
  const seen = look ? await lookAt(work, look) : null;
  return typeof seen === 'string' ? { ok: false, message: seen } : runJobs(work, start);
}

/** Job ids of the look and command of an earlier step. */
export interface Before {
  lookId: string;
  commandId: string;
}

/** The jobs of an undo of a start. */
export interface Unstarting {
  look: StepJob | undefined;
  /** The application's stop command; without `since` also the wait until the process in the pid file ends. */
  stop(since: string): StepJob[];
  /** Ends leftovers of the start. `since`: when its processes can have begun; `isStopped`: the stop command was run. */
  end(since: string, isStopped: boolean): StepJob[];
}

/** Ends all processes of a start, also those not in the pid file. */
export async function stopStarted(
  work: StepWork,
  before: Before,
  { look, stop, end }: Unstarting,
): Promise<StepOutcome> {
  const began = await work.runner.state(work.host, before.commandId);
  const since = (await seenBefore(work, before.lookId))?.time ?? '';
  const stopping = stop(since);
  const seen = look && stopping.length > 0 ? await lookAt(work, look) : null;
  // The stop command would hit an unrelated process.
  const isOther = seen !== null && typeof seen !== 'string' && seen.other !== '';
  const stopped = isOther ? nothing : await runJobs(work, stopping);
  if (!stopped.ok || began.state === 'absent') return stopped;
  return runJobs(work, end(since, stopping.length > 0 && !isOther));
}

/** The jobs that restart a stopped instance. */
export interface Restarting {
  /** Waits until a process being stopped ends. */
  endTold(process: string): StepJob[];
  look: StepJob | undefined;
  /** The start command, and the check that the process came up since then. */
  start(since: string): StepJob[];
}

/** Restarts a stopped instance after its old process has ended, so that it never runs twice. */
export async function startAgain(work: StepWork, before: Before, jobs: Restarting): Promise<StepOutcome> {
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

/** Waits until the process being stopped ends, so that it is not reported as running. */
export async function awaitTold(
  work: StepWork,
  { lookId, commandId }: Before,
  endTold: Restarting['endTold'],
): Promise<StepOutcome> {
  const told = await toldToEnd(work, lookId, commandId);
  return told === '' ? nothing : runJobs(work, endTold(told));
}

/** The host's state after a failed task, or a message saying why it can't be read. */
export async function answerOf<T>(ask: () => Promise<T>): Promise<T | string> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ProviderError) return `no answer: ${error.message}`;
    if (isRefusedForGood(error)) return refusedForGood(error);
    throw error;
  }
}

/** Appends to a failure message that the present state is unknown, and why. */
export const withNotKnown = (message: string | null, why: string): string =>
  `${message === null ? '' : `${message}; `}${notKnown}: ${why}`;
