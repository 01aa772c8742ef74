import { ApplicationFailure } from '@temporalio/activity';
import { composePlan, planDifference, planHash, planTargets } from '../../db/deploy/plan.ts';
import { keptReleases, settleInstance, settleSubTask } from '../../db/deploy/settle.ts';
import { loadScript, loadStep, markStep } from '../../db/deploy/steps.ts';
import type { StepRow } from '../../db/deploy/steps.ts';
import { settingsInForce, settingsOf } from '../../db/deploy/settings.ts';
import { deployTask, planSubject, presentPlan } from '../../db/deploy/tasks.ts';
import type { NamedDeployTask } from '../../db/deploy/tasks.ts';
import { fixPlan } from '../../db/deploy/transitions.ts';
import type { DeployPlan, StepName } from '../../workflows/deploy/contract.ts';
import type { DeployHands, SettleInput, StepInput, StepOutcome } from '../../workflows/deploy/ports.ts';
import { Problem } from '../../workflows/problem.ts';
import { runnerHost } from '../deps.ts';
import type { ActivityDeps } from '../deps.ts';
import { addSystemLines, runJob } from '../follow.ts';
import type { Followed } from '../follow.ts';
import { ProviderError } from '../providers/error.ts';
import type { JobState, Runner, RunnerHost } from '../providers/runner/driver.ts';
import { runnerOf } from '../providers/runner/registry.ts';
import { readPackage } from './package.ts';
import { jobsOf, packagePath } from './steps.ts';
import type { StepContext } from './steps.ts';

/** What a deploy task does on hosts. */
export function createDeployHands(deps: ActivityDeps): DeployHands {
  const { db } = deps;
  return {
    async completePlan({ taskId, round }) {
      const { plan } = await presentPlanOf(deps, taskId);
      const hash = planHash(plan);
      await fixPlan(db, { taskId, round, plan, hash });
      return { planHash: hash };
    },

    async remakePlan({ taskId, round }) {
      const { plan, task } = await presentPlanOf(deps, taskId);
      await ensureStartable(deps, task, plan);
      const approved = await presentPlan(db, taskId, round);
      const difference = approved ? planDifference(approved, plan) : 'the plan';
      const hash = planHash(plan);
      if (difference !== null) await fixPlan(db, { taskId, round: round + 1, plan, hash });
      return { planHash: hash, difference };
    },

    runStep: (input) => runStep(deps, input),

    settleInstance: (input) => settle(deps, input),

    settleSubTask: ({ taskId, error }) => settleSubTask(db, taskId, error),
  };
}

async function presentPlanOf(deps: ActivityDeps, taskId: number): Promise<{ plan: DeployPlan; task: NamedDeployTask }> {
  const { db, renderer } = deps;
  const task = await deployTask(db, taskId);
  if (!task) throw new Problem('no_such', { thing: 'deploy task', id: taskId });
  const [first] = await planTargets(db, task.applicationId);
  const found = await readPackage(deps, first?.id ?? 0, task.packageSource);
  const unread = 'unread' in found ? found.unread : null;
  const { sha256, size } = 'unread' in found ? { sha256: null, size: null } : found;
  const plan = await composePlan(db, renderer, planSubject(task), { source: task.packageSource, sha256, size, unread });
  return { plan, task };
}

async function ensureStartable({ db }: ActivityDeps, task: NamedDeployTask, plan: DeployPlan): Promise<void> {
  const own = await settingsOf(db, task.applicationId);
  const { enabled } = settingsInForce(own, { directory: '', runUser: '' });
  if (!enabled) throw new Problem('settings_disabled');
  if (plan.deploy_path === '') throw new Problem('no_deploy_path');
  if (plan.instances.length === 0) throw new Problem('no_instances');
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

async function doStep(deps: ActivityDeps, { taskId, position, step }: StepInput): Promise<StepOutcome> {
  const row = await loadStep(deps.db, taskId, position);
  const host = runnerHost(row.host);
  const runner = runnerOf(deps.runners, host);
  const to = followedBy(deps, row, step);
  if (step === 'fetch') return fetchPackage(deps, to, runner, host, row);
  const context = await stepContext(deps, row, position, step, runner, host);
  for (const job of jobsOf(step, context)) {
    const state = await runJob(to, runner, host, job);
    const message = failureOf(state);
    if (message !== null && !job.mayFail) {
      await addSystemLines(to, `${job.id} end`, [message]);
      return { ok: false, message };
    }
  }
  return { ok: true, message: null };
}

const followedBy = ({ db, outputLimitBytes }: ActivityDeps, row: StepRow, step: StepName): Followed => ({
  db,
  limitBytes: outputLimitBytes,
  taskId: row.taskId,
  origin: { instanceId: row.instanceId, host: row.host.name, step },
});

async function stepContext(
  { db }: ActivityDeps,
  row: StepRow,
  position: number,
  step: StepName,
  runner: Runner,
  host: RunnerHost,
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

async function fetchPackage(
  deps: ActivityDeps,
  to: Followed,
  runner: Runner,
  host: RunnerHost,
  { setup }: StepRow,
): Promise<StepOutcome> {
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
