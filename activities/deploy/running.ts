// Whether an instance runs is for its host to say. The row may not know: an undo that failed, a person, or the start of
// the machine can leave a process behind. So a stop looks first where the row says `stopped`, what is told to start does not
// start twice, and after a failure it is looked what runs now. Without a pid file nobody can tell.
import { notKnown } from '../../db/deploy/settle.ts';
import { markRanBefore } from '../../db/deploy/steps.ts';
import { isRefusedForGood } from '../../db/sql-state.ts';
import type { StepOutcome } from '../../workflows/deploy/ports.ts';
import type { ActivityDeps } from '../deps.ts';
import { refusedForGood } from '../failure.ts';
import { runJob } from '../follow.ts';
import { ProviderError } from '../providers/error.ts';
import type { Job } from '../providers/runner/driver.ts';
import { failureOf, runJobs } from '../step.ts';
import type { StepJob, Work } from '../step.ts';

/** Of `look`: it could look, and nothing runs. */
const nothingRuns = 3;

/** The jobs of a stop; the look is undefined without a pid file. `stop` is told whether something is known to run. */
export interface Stopping {
  look: StepJob | undefined;
  stop(isSure: boolean): StepJob[];
}

/**
 * Stops what runs, whatever is recorded; what is found is recorded, so that an undo starts it again. Without a pid file the
 * stop command is run to be sure.
 */
export async function stopWhatRuns({ db }: ActivityDeps, work: Work, { look, stop }: Stopping): Promise<StepOutcome> {
  const { setup, ranBefore, taskId, position } = work.row;
  if (ranBefore) return runJobs(work, stop(true));
  const nothing = { ok: true, message: null };
  if (setup.stopCmd === '') return nothing;
  if (!look) {
    const release = await work.runner.stat(work.host, `${setup.deployPath}/current`);
    return release.kind === 'directory' ? runJobs(work, stop(false)) : nothing;
  }
  const runs = await lookAt(work, look);
  if (typeof runs === 'string') return { ok: false, message: runs };
  if (!runs) return { ok: true, message: 'nothing ran, nothing was stopped' };
  await markRanBefore(db, taskId, position);
  const stopped = await runJobs(work, stop(true));
  return stopped.ok ? { ok: true, message: 'it ran, though recorded as stopped' } : stopped;
}

/** Starts what does not run. */
export async function startUnlessRuns(work: Work, look: StepJob | undefined, start: StepJob[]): Promise<StepOutcome> {
  const runs = look !== undefined && (await lookAt(work, look));
  if (typeof runs === 'string') return { ok: false, message: runs };
  return runs ? { ok: true, message: 'it ran already, nothing was started' } : runJobs(work, start);
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

/** Whether the process of the pid file lives; in words why nobody can tell. */
export async function lookAt({ to, runner, host }: Work, look: Job | undefined): Promise<boolean | string> {
  if (!look) return 'there is no pid file';
  const state = await runJob(to, runner, host, look);
  const message = failureOf(state);
  if (message === null) return true;
  return state.exitCode === nothingRuns ? false : `look: ${message}`;
}
