import { Context } from '@temporalio/activity';
import { hookValues } from '../../db/deploy/hook-values.ts';
import { keptReleases, settleInstance, settleSubTask } from '../../db/deploy/settle.ts';
import { loadScript, loadStep } from '../../db/deploy/steps.ts';
import type { StepRow } from '../../db/deploy/steps.ts';
import type { SettleInput } from '../../workflows/deploy/contract.ts';
import type { DeployHands, StepInput, StepOutcome } from '../../workflows/deploy/ports.ts';
import type { ActivityDeps } from '../deps.ts';
import { addSystemLines, unlessLeaving } from '../follow.ts';
import { attemptStep, killJobs, runJobs, workOf } from '../step.ts';
import type { Work } from '../step.ts';
import { checkHealth } from './health.ts';
import { createPlans } from './plans.ts';
import { placeOf } from './package.ts';
import { answerOf, lookAt, stopWhatRuns, withNotKnown } from './running.ts';
import { jobsOf, lookOf, packagePath } from './steps.ts';
import type { StepContext } from './steps.ts';

/** What a deploy task does on hosts. */
export function createDeployHands(deps: ActivityDeps): DeployHands {
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
  if (input.step === 'fetch') return unlessLeaving(fetchPackage(deps, work));
  const context = await stepContext(deps, input, work);
  if (input.step !== 'stop') return runJobs(work, jobsOf(input.step, context));
  const stop = (ranBefore: boolean) => jobsOf('stop', { ...context, ranBefore });
  return stopWhatRuns(deps, work, { look: lookOf('stop', context), stop });
}

async function killStep(deps: ActivityDeps, input: StepInput): Promise<void> {
  const work = await workOf(deps, input);
  if (input.step === 'fetch') return;
  const context = await stepContext(deps, input, work);
  const look = input.step === 'stop' ? lookOf(input.step, context) : undefined;
  await killJobs(work, [look, ...jobsOf(input.step, context)]);
}

async function stepContext(
  { db }: ActivityDeps,
  { position, step }: StepInput,
  { row, runner, host }: Work,
): Promise<StepContext> {
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
    hookUser: hook?.runningUser ?? null,
    hookValues: hook ? await hookValues(db, { taskId, position }) : {},
    ranBefore: row.ranBefore,
    dropped: step === 'prune' ? droppedReleases(row) : [],
  };
}

async function fetchPackage(deps: ActivityDeps, { to, runner, host, row }: Work): Promise<StepOutcome> {
  const { setup, applicationId, instanceId } = row;
  if (!setup.package || applicationId === null) return { ok: false, message: 'the sub-task has no package' };
  const { source, sha256 } = setup.package;
  const { packages } = deps;
  const signal = Context.current().cancellationSignal;
  const place = await placeOf(deps, { applicationId, instanceId });
  const known = 'address' in place ? await packages.find(sha256, source) : null;
  const found = known ?? (await packages.fetch(place, source, signal));
  if (found.sha256 !== sha256) {
    const message = `the package at ${source} has sha256 ${found.sha256}, approved was ${sha256}`;
    await addSystemLines(to, 'fetch end', [message]);
    return { ok: false, message };
  }
  const { tarPath, tarSha256 } = found;
  await packages.using(found, () => runner.putFile(host, packagePath(setup), tarPath, { sha256: tarSha256, signal }));
  await addSystemLines(to, `fetch ${to.origin.instanceId ?? 0}`, [`${source}, sha256 ${sha256}`]);
  return { ok: true, message: null };
}

/** Releases beyond those that are kept besides the present one. */
const droppedReleases = ({ releases, version, setup }: StepRow): string[] =>
  keptReleases(releases, version).slice(setup.keepBackups + 1);

/** Old releases go only after a success; where the undo failed all stays as it lies, and the host is asked what runs. */
async function settle(deps: ActivityDeps, input: SettleInput): Promise<void> {
  const { db, log } = deps;
  const { taskId, position, status, undone, message } = input;
  const dropped = status === 'finished' ? droppedReleases(await loadStep(db, taskId, position)) : [];
  if (!undone) {
    const runs = await answerOf(() => runsNow(deps, input));
    const end = typeof runs === 'string' ? { runs: null, message: withNotKnown(message, runs) } : { runs };
    return settleInstance(db, { ...input, ...end }, dropped);
  }
  const tidied = await answerOf(() =>
    doStep(deps, { taskId, position, step: status === 'finished' ? 'prune' : 'tidy' }),
  );
  if (typeof tidied === 'string')
    log.warn({ taskId, position, reason: tidied }, 'a host was not tidied after a sub-task');
  await settleInstance(db, { ...input, runs: null }, dropped);
}

async function runsNow(deps: ActivityDeps, { taskId, position }: SettleInput): Promise<boolean | string> {
  const at = { taskId, position, step: 'check' } as const;
  const work = await workOf(deps, at);
  return lookAt(work, lookOf('settle', await stepContext(deps, at, work)));
}
