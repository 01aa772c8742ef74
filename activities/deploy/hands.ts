import { Context } from '@temporalio/activity';
import { keptReleases, settleInstance, settleSubTask } from '../../db/deploy/settle.ts';
import { loadScript, loadStep } from '../../db/deploy/steps.ts';
import type { StepRow } from '../../db/deploy/steps.ts';
import type { SettleInput } from '../../workflows/deploy/contract.ts';
import type { DeployHands, StepInput, StepOutcome } from '../../workflows/deploy/ports.ts';
import type { ActivityDeps } from '../deps.ts';
import { addSystemLines, unlessLeaving } from '../follow.ts';
import { ProviderError } from '../providers/error.ts';
import { attemptStep, killJobs, runJobs, workOf } from '../step.ts';
import type { Work } from '../step.ts';
import { checkHealth } from './health.ts';
import { createPlans } from './plans.ts';
import { placeOf } from './package.ts';
import { runsNow, stopWhatRuns } from './running.ts';
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
  return input.step === 'stop' ? stopWhatRuns(deps, work, context) : runJobs(work, jobsOf(input.step, context));
}

async function killStep(deps: ActivityDeps, input: StepInput): Promise<void> {
  const work = await workOf(deps, input);
  if (input.step === 'fetch') return;
  const context = await stepContext(deps, input, work);
  const looks = input.step === 'stop' ? [lookOf(input.step, context)].filter((job) => job !== undefined) : [];
  await killJobs(work, [...looks, ...jobsOf(input.step, context)]);
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

/** Old releases go only after a success; where the undo failed all stays as it lies, and it is looked what runs. */
async function settle(deps: ActivityDeps, input: SettleInput): Promise<void> {
  const { taskId, position, status, undone } = input;
  const row = await loadStep(deps.db, taskId, position);
  const dropped = status === 'finished' ? droppedReleases(row) : [];
  let runs = false;
  try {
    if (undone) await doStep(deps, { taskId, position, step: status === 'finished' ? 'prune' : 'tidy' });
    else runs = await isRunning(deps, input);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    deps.log.warn({ taskId, position, err: error }, 'a host did not answer at the end of its sub-task');
  }
  await settleInstance(deps.db, { ...input, runs }, dropped);
}

async function isRunning(deps: ActivityDeps, { taskId, position }: SettleInput): Promise<boolean> {
  const at = { taskId, position, step: 'check' } as const;
  const work = await workOf(deps, at);
  return runsNow(work, await stepContext(deps, at, work));
}
