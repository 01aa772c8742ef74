// Whether an instance runs is for its host to say. The row may not know: an undo that failed, a person, or the start of
// the machine can leave a process behind. So a stop looks first where the row says `stopped`, and after an undo that
// failed it is looked what runs now. Without a pid file nobody can tell, and the stop command is run to be sure.
import { markRanBefore } from '../../db/deploy/steps.ts';
import type { StepOutcome } from '../../workflows/deploy/ports.ts';
import type { ActivityDeps } from '../deps.ts';
import { runJob } from '../follow.ts';
import type { Job } from '../providers/runner/driver.ts';
import { failureOf, runJobs } from '../step.ts';
import type { Work } from '../step.ts';
import { jobsOf, lookOf } from './steps.ts';
import type { StepContext } from './steps.ts';

/** Of `look`: it could look, and nothing runs. */
const nothingRuns = 3;

/** Stops what runs, whatever is recorded; what is found is recorded, so that an undo starts it again. */
export async function stopWhatRuns({ db }: ActivityDeps, work: Work, context: StepContext): Promise<StepOutcome> {
  const { setup, ranBefore, taskId, position } = context;
  const stop = (of: StepContext): Promise<StepOutcome> => runJobs(work, jobsOf('stop', of));
  const nothing = { ok: true, message: null };
  if (ranBefore) return stop(context);
  if (setup.stopCmd === '') return nothing;
  const job = lookOf('stop', context);
  if (!job) {
    const release = await work.runner.stat(work.host, `${setup.deployPath}/current`);
    return release.kind === 'directory' ? stop(context) : nothing;
  }
  const looked = await look(work, job);
  if (typeof looked === 'string') return { ok: false, message: looked };
  if (!looked) return nothing;
  await markRanBefore(db, taskId, position);
  return stop({ ...context, ranBefore: true });
}

/** Whether it runs; false also where nobody can tell, as the next stop looks again. */
export async function runsNow(work: Work, context: StepContext): Promise<boolean> {
  const job = lookOf('settle', context);
  return job !== undefined && (await look(work, job)) === true;
}

/** Whether the process of the pid file lives; in words why nobody can tell. */
async function look({ to, runner, host }: Work, job: Job): Promise<boolean | string> {
  const state = await runJob(to, runner, host, job);
  const message = failureOf(state);
  if (message === null) return true;
  return state.exitCode === nothingRuns ? false : message;
}
