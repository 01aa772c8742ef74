import { settleInstanceAction, settleInstanceTask } from '../../db/applications/instance-tasks.ts';
import type { InstanceEnd } from '../../workflows/applications/contract.ts';
import type { InstanceHands, InstanceStepInput } from '../../workflows/applications/ports.ts';
import type { StepOutcome } from '../../workflows/deploy/ports.ts';
import { answerOf, lookAt, startUnlessRuns, stopWhatRuns, withNotKnown } from '../deploy/running.ts';
import type { ActivityDeps } from '../deps.ts';
import { attemptStep, killJobs, runJobs, workOf } from '../step.ts';
import type { Work } from '../step.ts';
import { instanceJobs, instanceLook } from './steps.ts';
import type { InstanceStepContext } from './steps.ts';

/** What instance tasks do on hosts. */
export function createInstanceHands(deps: ActivityDeps): InstanceHands {
  const { db } = deps;
  return {
    runInstanceStep: (input) => attemptStep(deps, input, () => doStep(deps, input)),

    async killInstanceStep(input) {
      const work = await workOf(deps, input);
      const context = await contextOf(work);
      const look = input.step === 'check' ? undefined : instanceLook(input.step, context);
      await killJobs(work, [look, ...instanceJobs(input.step, context)]);
    },

    settleInstanceAction: (end) => settle(deps, end),

    async settleInstanceTask({ taskId, error }) {
      await settleInstanceTask(db, taskId, error);
    },
  };
}

async function doStep(deps: ActivityDeps, input: InstanceStepInput): Promise<StepOutcome> {
  const work = await workOf(deps, input);
  const context = await contextOf(work);
  const { step } = input;
  if (step === 'check') return runJobs(work, instanceJobs(step, context));
  const look = instanceLook(step, context);
  if (step === 'start') return startUnlessRuns(work, look, instanceJobs(step, context));
  return stopWhatRuns(deps, work, { look, stop: (isSure) => instanceJobs(step, context, isSure) });
}

/** What failed may have left anything: the host says what runs. Without a pid file the commands have said it, if it answers. */
async function settle(deps: ActivityDeps, end: InstanceEnd): Promise<void> {
  const { taskId, position, status, step, message } = end;
  if (status === 'finished' || step === null) return settleInstanceAction(deps.db, end);
  const found = await answerOf(async () => {
    const work = await workOf(deps, { taskId, position, step: 'check' });
    const look = instanceLook('settle', { ...base(work), workingDirectory: '/' });
    if (look) return lookAt(work, look);
    await work.runner.ping(work.host);
    return undefined;
  });
  const said = typeof found === 'string' ? { message: withNotKnown(message, found) } : {};
  const seen = typeof found === 'boolean' ? { left: found ? ('running' as const) : ('stopped' as const) } : {};
  await settleInstanceAction(deps.db, { ...end, ...said, ...seen });
}

const base = ({ row, runner, host }: Work): Omit<InstanceStepContext, 'workingDirectory'> => ({
  row,
  path: (absolute) => runner.path(host, absolute),
});

/** In the present release; the deploy path of what was not deployed by Slipway; the root of the host. */
async function contextOf(work: Work): Promise<InstanceStepContext> {
  const { deployPath } = work.row.setup;
  for (const folder of deployPath === '' ? [] : [`${deployPath}/current`, deployPath])
    if ((await work.runner.stat(work.host, folder)).kind === 'directory')
      return { ...base(work), workingDirectory: folder };
  return { ...base(work), workingDirectory: '/' };
}
