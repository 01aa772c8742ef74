import { settleInstanceAction, settleInstanceTask } from '../../db/applications/instance-tasks.ts';
import { secondsOf } from '../../db/deploy/sub-tasks.ts';
import type { InstanceActionStep, InstanceEnd } from '../../workflows/applications/contract.ts';
import type { InstanceActivities, InstanceStepInput } from '../../workflows/applications/ports.ts';
import type { StepOutcome } from '../../workflows/deploy/ports.ts';
import { answerOf, awaitTold, startUnlessRuns, stopWhatRuns, withNotKnown } from '../deploy/process-check.ts';
import type { Before } from '../deploy/process-check.ts';
import { lookAt, seenBefore } from '../deploy/seen.ts';
import type { Seen } from '../deploy/seen.ts';
import { jobIdOf } from '../deploy/steps.ts';
import type { ActivityDeps } from '../deps.ts';
import { ownEnvironment } from '../tasks/own-environment.ts';
import { attemptStep, killJobs, runJobs, workOf } from '../tasks/run-step.ts';
import type { StepWork } from '../tasks/run-step.ts';
import { instanceEnding, instanceJobs, instanceLook } from './steps.ts';
import type { InstanceStepContext } from './steps.ts';

/** The activities of instance tasks that run on hosts. */
export function createInstanceActivities(deps: ActivityDeps): InstanceActivities {
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
  if (step === 'check') return runJobs(work, instanceJobs(step, context, { since: await sinceStart(work) }));
  const look = instanceLook(step, context);
  if (step === 'start') return startUnlessRuns(work, look, instanceJobs(step, context));
  const stop = (isSure: boolean, process: string) => instanceJobs(step, context, { process }, isSure);
  return stopWhatRuns(deps, work, { look, stop });
}

/** Job ids of the look and the command of a step of the same task. */
const before = ({ row }: StepWork, step: InstanceActionStep): Before => ({
  lookId: jobIdOf(row, step, 'look'),
  commandId: jobIdOf(row, step, 0),
});

/** Start of the time range of the task's processes; empty: a process that already runs is the wanted one. */
async function sinceStart(work: StepWork): Promise<string> {
  const seen = await seenBefore(work, before(work, 'start').lookId);
  return seen && !seen.runs ? seen.time : '';
}

/** After a failure, records what runs, as the host reports it. Without a pid file the outcome of the commands decides. */
async function settle(deps: ActivityDeps, end: InstanceEnd): Promise<void> {
  const { status, step, message } = end;
  if (status === 'finished' || step === null) return settleInstanceAction(deps.db, end);
  const found = await answerOf(() => leftBy(deps, end, step));
  const said = typeof found === 'string' ? { message: withNotKnown(message, found), left: 'unknown' as const } : {};
  const seen = typeof found === 'object' ? { left: found.runs ? ('running' as const) : ('stopped' as const) } : {};
  await settleInstanceAction(deps.db, { ...end, ...said, ...seen });
}

/** Returns what runs after a failed step, once no process is still starting or ending; undefined: the commands decide. */
async function leftBy(
  deps: ActivityDeps,
  { taskId, position, secondsLeft }: InstanceEnd,
  step: InstanceActionStep,
): Promise<Seen | string | undefined> {
  const work = await workOf(deps, { taskId, position, step: 'check' });
  const context = { ...base(work), workingDirectory: '/' };
  const look = instanceLook('settle', context);
  const ended = await (step === 'stop'
    ? awaitTold(work, before(work, 'stop'), (process) => {
        const seconds = secondsLeft ?? secondsOf(work.row.setup).stop;
        return instanceEnding('stop', context, { process, seconds });
      })
    : endStarted(work, context));
  if (!ended.ok) return ended.message ?? 'what was told to end has not ended';
  if (look) return lookAt(work, look);
  await work.runner.ping(work.host);
  return step === 'stop' && (await wasKilled(work)) ? 'there is no pid file' : undefined;
}

async function endStarted(work: StepWork, context: InstanceStepContext): Promise<StepOutcome> {
  const began = await work.runner.state(work.host, before(work, 'start').commandId);
  if (began.state === 'absent') return { ok: true, message: null };
  return runJobs(work, instanceEnding('start', context, { since: await sinceStart(work) }));
}

async function wasKilled(work: StepWork): Promise<boolean> {
  const { signal } = await work.runner.state(work.host, before(work, 'stop').commandId);
  return signal !== null;
}

const base = (work: StepWork): Omit<InstanceStepContext, 'workingDirectory'> => ({
  row: work.row,
  path: (absolute) => work.runner.path(work.host, absolute),
  ownEnv: ownEnvironment(work),
});

/** The working directory: the present release, else the deploy path (not deployed by Slipway), else the root of the host. */
async function contextOf(work: StepWork): Promise<InstanceStepContext> {
  const { deployPath } = work.row.setup;
  for (const folder of deployPath === '' ? [] : [`${deployPath}/current`, deployPath])
    if ((await work.runner.stat(work.host, folder)).kind === 'directory')
      return { ...base(work), workingDirectory: folder };
  return { ...base(work), workingDirectory: '/' };
}
