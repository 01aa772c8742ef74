import { Context } from '@temporalio/activity';
import { hookValues } from '../../db/deploy/hook-values.ts';
import { keptReleases, settleInstance, settleSubTask } from '../../db/deploy/finish.ts';
import { loadScript, loadStep } from '../../db/deploy/steps.ts';
import type { StepRow } from '../../db/deploy/steps.ts';
import { secondsOf } from '../../db/deploy/sub-tasks.ts';
import type { SettleInput, StepName } from '../../workflows/deploy/contract.ts';
import type { DeployActivities, StepInput, StepOutcome } from '../../workflows/deploy/ports.ts';
import type { ActivityDeps } from '../deps.ts';
import { addSystemLines, unlessShuttingDown } from '../tasks/follow-job.ts';
import { ownEnvironment } from '../tasks/own-environment.ts';
import { attemptStep, killJobs, runJobs, workOf } from '../tasks/run-step.ts';
import type { StepWork } from '../tasks/run-step.ts';
import { checkHealth } from './health.ts';
import { createPlans } from './plans.ts';
import { placeOf } from './package.ts';
import { foreignPlace } from './real-place.ts';
import { answerOf, startAgain, startNew, stopStarted, stopWhatRuns, withNotKnown } from './process-check.ts';
import type { Before, Restarting, Unstarting } from './process-check.ts';
import { lookAt, seenBefore } from './seen.ts';
import type { Seen } from './seen.ts';
import { allJobsOf, jobIdOf, jobsOf, lookOf, packageName, startMark } from './steps.ts';
import type { StepContext, Told } from './steps.ts';

/** The activities of deploy tasks that run on hosts. */
export function createDeployActivities(deps: ActivityDeps): DeployActivities {
  const { db } = deps;
  return {
    ...createPlans(deps),

    runStep: (input) => runStep(deps, input),

    killStep: (input) => killStep(deps, input),

    checkHealth: (input) => checkHealth(deps, input),

    settleInstance: (input) => settle(deps, input),

    async settleSubTask({ taskId, error }) {
      await settleSubTask(db, taskId, error);
    },
  };
}

const runStep = (deps: ActivityDeps, input: StepInput): Promise<StepOutcome> =>
  attemptStep(deps, input, () => doStep(deps, input));

async function doStep(deps: ActivityDeps, input: StepInput): Promise<StepOutcome> {
  const work = await workOf(deps, input);
  if (input.step === 'fetch') return unlessShuttingDown(fetchPackage(deps, work));
  const context = await stepContext(deps, input, work);
  const { step } = input;
  switch (step) {
    case 'stop':
      return stopWhatRuns(deps, work, {
        look: lookOf(step, context),
        stop: (ranBefore, process) => jobsOf(step, { ...context, ranBefore, told: { process } }),
      });
    case 'start':
      return startNew(work, lookOf(step, context), jobsOf(step, context));
    case 'check':
      return runJobs(work, jobsOf(step, { ...context, told: { since: await sinceStart(work, context) } }));
    case 'stop_new':
      return stopStarted(work, before(context, 'start'), { look: lookOf(step, context), ...unstarting(context) });
    case 'start_old':
      return context.ranBefore ? startAgain(work, before(context, 'stop'), restarting(context, input)) : done;
    default:
      return runJobs(work, jobsOf(step, context));
  }
}

const done: StepOutcome = { ok: true, message: null };

/** Job ids of the look and the command of a step of the same task. */
const before = (context: StepContext, step: StepName): Before => ({
  lookId: jobIdOf(context, step, 'look'),
  commandId: jobIdOf(context, step, 0),
});

const sinceStart = async (work: StepWork, context: StepContext): Promise<string> =>
  (await seenBefore(work, before(context, 'start').lookId))?.time ?? '';

function unstarting(context: StepContext): Pick<Unstarting, 'stop' | 'end'> {
  const stop = jobsOf('stop_new', context).slice(0, -1);
  return {
    stop: (since) => (since === '' ? stop : stop.slice(0, 1)),
    end: (since, isStopped) => jobsOf('stop_new', { ...context, told: { since, isStopped } }).slice(-1),
  };
}

function restarting(context: StepContext, { secondsLeft }: StepInput): Restarting {
  const seconds = secondsLeft ?? secondsOf(context.setup).stop;
  const jobs = (told: Told) => jobsOf('start_old', { ...context, told });
  return {
    endTold: (process) => jobs({ process, seconds }).slice(0, 1),
    look: lookOf('start_old', context),
    start: (since) => jobs({ since }).slice(1),
  };
}

async function killStep(deps: ActivityDeps, input: StepInput): Promise<void> {
  const work = await workOf(deps, input);
  if (input.step === 'fetch') return;
  await killJobs(work, allJobsOf(input.step, await stepContext(deps, input, work)));
}

async function stepContext({ db }: ActivityDeps, { position, step }: StepInput, work: StepWork): Promise<StepContext> {
  const { row, runner, host } = work;
  const hook = await loadScript(db, row.taskId, position, step);
  const { setup, version, previousVersion, taskId } = row;
  const current = `${setup.deployPath}/current`;
  const place = step.startsWith('global_') ? setup.deployPath : current;
  return {
    taskId,
    position,
    version,
    previousVersion,
    setup,
    path: (absolute) => runner.path(host, absolute),
    workingDirectory: { when: current, then: place, otherwise: '/' },
    hook: hook ? { language: hook.language, content: hook.content } : null,
    // Application steps always have a user, so they never default to the runner's own.
    hookUser: hook?.runningUser || setup.runUser,
    ownEnv: ownEnvironment(work),
    hookValues: hook ? await hookValues(db, { taskId, position }) : {},
    ranBefore: row.ranBefore,
    dropped: step === 'prune' ? droppedReleases(row) : [],
  };
}

async function fetchPackage(deps: ActivityDeps, work: StepWork): Promise<StepOutcome> {
  const { to, runner, host, row } = work;
  const { setup, applicationId, instanceId } = row;
  if (!setup.package || applicationId === null) return { ok: false, message: 'the sub-task has no package' };
  const objection = await foreignPlace(deps, work);
  if (objection !== null) {
    await addSystemLines(to, 'fetch end', [objection]);
    return { ok: false, message: objection };
  }
  const { source, sha256 } = setup.package;
  const { packages } = deps;
  const signal = Context.current().cancellationSignal;
  const found = await placeOf(deps, { applicationId, instanceId });
  const place = 'address' in found ? found : { runner, host };
  const known = 'address' in place ? await packages.find(sha256, source) : null;
  const fetched = known ?? (await packages.fetch(place, source, signal));
  // Tasks begun before the package format changed continue with the package kept at that time.
  const read = fetched.sha256 === sha256 ? fetched : ((await packages.findFormer(sha256, source)) ?? fetched);
  if (read.sha256 !== sha256) {
    const message = `the package at ${source} has sha256 ${read.sha256}, approved was ${sha256}`;
    await addSystemLines(to, 'fetch end', [message]);
    return { ok: false, message };
  }
  const { tarPath, tarSha256 } = read;
  const kept = { kept: `t${row.taskId}/${packageName(setup)}` };
  await packages.using(read, () => runner.putFile(host, kept, tarPath, { sha256: tarSha256, mode: 0o600, signal }));
  await addSystemLines(to, `fetch ${to.origin.instanceId ?? 0}`, [`${source}, sha256 ${sha256}`]);
  return { ok: true, message: null };
}

/** Releases beyond the present one and the backups to keep. */
const droppedReleases = ({ releases, version, setup }: StepRow): string[] =>
  keptReleases(releases, version).slice(setup.keepBackups + 1);

/** Prunes old releases only after success. After a failed undo it leaves everything and records what runs on the host. */
async function settle(deps: ActivityDeps, input: SettleInput): Promise<void> {
  const { db, log } = deps;
  const { taskId, position, status, undone, message } = input;
  const dropped = status === 'finished' ? droppedReleases(await loadStep(db, taskId, position)) : [];
  if (!undone) {
    const seen = await answerOf(() => seenNow(deps, input));
    const end = typeof seen === 'string' ? { runs: null, message: withNotKnown(message, seen) } : { runs: seen.runs };
    return settleInstance(db, { ...input, ...end }, dropped);
  }
  const tidied = await answerOf(() =>
    doStep(deps, { taskId, position, step: status === 'finished' ? 'prune' : 'tidy' }),
  );
  if (typeof tidied === 'string')
    log.warn({ taskId, position, reason: tidied }, 'a host was not tidied after a sub-task');
  await settleInstance(db, { ...input, runs: null }, dropped);
}

async function seenNow(deps: ActivityDeps, { taskId, position }: SettleInput): Promise<Seen | string> {
  const at = { taskId, position, step: 'check' } as const;
  const work = await workOf(deps, at);
  const context = await stepContext(deps, at, work);
  return lookAt(
    work,
    lookOf(
      'settle',
      context,
      (['start', 'start_old'] as const).map((step) => startMark(context, step)),
    ),
  );
}
