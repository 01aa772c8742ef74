import { settleInstanceAction, settleInstanceTask } from '../../db/applications/instance-tasks.ts';
import type { InstanceHands, InstanceStepInput } from '../../workflows/applications/ports.ts';
import type { ActivityDeps } from '../deps.ts';
import { attemptStep, killJobs, runJobs, workOf } from '../step.ts';
import type { StepJob, Work } from '../step.ts';
import { instanceJobs } from './steps.ts';

/** What instance tasks do on hosts. */
export function createInstanceHands(deps: ActivityDeps): InstanceHands {
  const { db } = deps;
  return {
    runInstanceStep: (input) =>
      attemptStep(deps, input, async () => {
        const work = await workOf(deps, input);
        return runJobs(work, await jobsOf(work, input));
      }),

    async killInstanceStep(input) {
      const work = await workOf(deps, input);
      await killJobs(work, await jobsOf(work, input));
    },

    settleInstanceAction: (end) => settleInstanceAction(db, end),

    async settleInstanceTask({ taskId, error }) {
      await settleInstanceTask(db, taskId, error);
    },
  };
}

async function jobsOf(work: Work, { position, step }: InstanceStepInput): Promise<StepJob[]> {
  const { row, runner, host } = work;
  const workingDirectory = await workingDirectoryOf(work);
  return instanceJobs(step, { position, row, path: (absolute) => runner.path(host, absolute), workingDirectory });
}

/** The present release; the deploy path of what was not deployed by Slipway; the root of the host. */
async function workingDirectoryOf({ row, runner, host }: Work): Promise<string> {
  const { deployPath } = row.setup;
  if (deployPath === '') return '/';
  for (const folder of [`${deployPath}/current`, deployPath]) {
    if ((await runner.stat(host, folder)).kind === 'directory') return folder;
  }
  return '/';
}
