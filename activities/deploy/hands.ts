import { ApplicationFailure } from '@temporalio/activity';
import { keptReleases, settleInstance, settleSubTask } from '../../db/deploy/settle.ts';
import { loadScript, loadStep, markStep } from '../../db/deploy/steps.ts';
import type { StepRow } from '../../db/deploy/steps.ts';
import type { SettleInput, StepName } from '../../workflows/deploy/contract.ts';
import type { DeployHands, StepInput, StepOutcome } from '../../workflows/deploy/ports.ts';
import { runnerHost } from '../deps.ts';
import type { ActivityDeps } from '../deps.ts';
import { addSystemLines, killJob, runJob, unlessLeaving } from '../follow.ts';
import type { Followed } from '../follow.ts';
import { ProviderError } from '../providers/error.ts';
import type { JobState, Runner, RunnerHost } from '../providers/runner/driver.ts';
import { runnerOf } from '../providers/runner/registry.ts';
import { createPlans } from './plans.ts';
import { jobsOf, packagePath } from './steps.ts';
import type { StepContext } from './steps.ts';

/** What a deploy task does on hosts. */
export function createDeployHands(deps: ActivityDeps): DeployHands {
  const { db } = deps;
  return {
    ...createPlans(deps),

    runStep: (input) => runStep(deps, input),

    killStep: (input) => killStep(deps, input),

    settleInstance: (input) => settle(deps, input),

    settleSubTask: ({ taskId, error }) => settleSubTask(db, taskId, error),
  };
}

/** A host out of reach is shown where people look, and asked again by the engine. */
async function runStep(deps: ActivityDeps, input: StepInput): Promise<StepOutcome> {
  const { db } = deps;
  const { taskId, position, step } = input;
  await markStep(db, { taskId, position, step, message: null });
  try {
    return await doStep(deps, input);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    if (error.kind === 'refused') return { ok: false, message: error.message };
    await markStep(db, { taskId, position, step, message: `no answer: ${error.message}` });
    throw ApplicationFailure.create({ type: 'Unavailable', message: error.message });
  }
}

interface Work {
  row: StepRow;
  host: RunnerHost;
  runner: Runner;
  to: Followed;
}

async function workOf(deps: ActivityDeps, { taskId, position, step }: StepInput): Promise<Work> {
  const row = await loadStep(deps.db, taskId, position);
  const host = runnerHost(row.host);
  return { row, host, runner: runnerOf(deps.runners, host), to: followedBy(deps, row, step) };
}

async function doStep(deps: ActivityDeps, input: StepInput): Promise<StepOutcome> {
  const { step } = input;
  const work = await workOf(deps, input);
  const { runner, host, to } = work;
  if (step === 'fetch') return unlessLeaving(fetchPackage(deps, work));
  for (const job of jobsOf(step, await stepContext(deps, input, work))) {
    const state = await runJob(to, runner, host, job);
    const message = failureOf(state);
    if (message !== null && !job.mayFail) {
      await addSystemLines(to, `${job.id} end`, [message]);
      return { ok: false, message };
    }
  }
  return { ok: true, message: null };
}

async function killStep(deps: ActivityDeps, input: StepInput): Promise<void> {
  const work = await workOf(deps, input);
  const jobs = input.step === 'fetch' ? [] : jobsOf(input.step, await stepContext(deps, input, work));
  for (const { id } of jobs) await killJob(work.to, work.runner, work.host, id);
}

const followedBy = ({ db, outputLimitBytes }: ActivityDeps, row: StepRow, step: StepName): Followed => ({
  db,
  limitBytes: outputLimitBytes,
  taskId: row.taskId,
  origin: { instanceId: row.instanceId, host: row.host.name, step },
});

async function stepContext(
  { db }: ActivityDeps,
  { position, step }: StepInput,
  { row, runner, host }: Work,
): Promise<StepContext> {
  const hook = await loadScript(db, row.taskId, position, step);
  const { setup, version, previousVersion, taskId } = row;
  const current = `${setup.deployPath}/current`;
  const workingDirectory = (await runner.stat(host, current)).kind === 'directory' ? current : '/';
  return {
    taskId,
    position,
    version,
    previousVersion,
    setup,
    path: (absolute) => runner.path(host, absolute),
    workingDirectory,
    hook: hook ? { language: hook.language, content: hook.content } : null,
    hookUser: hook?.runningUser ?? null,
    dropped: step === 'prune' ? droppedReleases(row) : [],
  };
}

/** Null: it ended well. */
function failureOf({ state, exitCode, signal }: JobState): string | null {
  if (state === 'unknown') return 'it is not known how the command ended; look at the host';
  if (signal !== null) return `ended by ${signal}`;
  return exitCode === 0 ? null : `exit status ${exitCode}`;
}

async function fetchPackage(deps: ActivityDeps, { to, runner, host, row: { setup } }: Work): Promise<StepOutcome> {
  if (!setup.package) return { ok: false, message: 'the sub-task has no package' };
  const { source, sha256 } = setup.package;
  const found = await deps.packages.fetch(runner, host, source);
  if (found.sha256 !== sha256) {
    const message = `the package at ${source} has sha256 ${found.sha256}, approved was ${sha256}`;
    await addSystemLines(to, 'fetch end', [message]);
    return { ok: false, message };
  }
  await runner.putFile(host, packagePath(setup), found.tarPath, { sha256: found.tarSha256 });
  await addSystemLines(to, `fetch ${to.origin.instanceId ?? 0}`, [`${source}, sha256 ${sha256}`]);
  return { ok: true, message: null };
}

/** Releases beyond those that are kept besides the present one. */
const droppedReleases = ({ releases, version, setup }: StepRow): string[] =>
  keptReleases(releases, version).slice(setup.keepBackups + 1);

/** Old releases go only after a success, and failing to drop one fails nothing. */
async function settle(deps: ActivityDeps, input: SettleInput): Promise<void> {
  const { taskId, position, status } = input;
  const row = await loadStep(deps.db, taskId, position);
  const dropped = status === 'finished' ? droppedReleases(row) : [];
  if (status === 'finished') {
    try {
      await doStep(deps, { taskId, position, step: 'prune' });
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      deps.log.warn({ taskId, position, err: error }, 'old releases could not be dropped');
    }
  }
  await settleInstance(deps.db, input, dropped);
}
