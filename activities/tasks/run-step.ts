// Shared by the steps of all tasks on hosts: loads a step from its rows, runs its jobs in sequence, shows its progress, and
// lets the engine retry while the host is unreachable.
import { ApplicationFailure } from '@temporalio/activity';
import { demandSameMachine, machineOf } from '../../db/deploy/machines.ts';
import { loadStep, markStep } from '../../db/deploy/steps.ts';
import type { StepRow } from '../../db/deploy/steps.ts';
import { rulesOn } from '../../kit/host-rules.ts';
import type { HostRules } from '../../kit/host-rules.ts';
import type { StepInput, StepOutcome } from '../../workflows/deploy/ports.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { admittedHost } from '../deps.ts';
import type { ActivityDeps } from '../deps.ts';
import { addSystemLines, killJob, runJob } from './follow-job.ts';
import type { Followed } from './follow-job.ts';
import { failureOf } from './job-end.ts';
import { demandUser, isNeverRoot } from './own-environment.ts';
import { ProviderError, refused } from '../providers/error.ts';
import type { Job, Runner, RunnerHost } from '../providers/runner/driver.ts';
import { runnerOf } from '../providers/runner/registry.ts';
import { render } from '../../kit/messages/message.ts';

export interface StepJob extends Job {
  /** Ignores the exit status; the next job checks the result. */
  mayFail?: boolean;
  /** On success the remaining jobs are skipped. */
  isEnough?: boolean;
}

/** A step with its host and the destination of its output. */
export interface StepWork {
  row: StepRow;
  rules: HostRules;
  host: RunnerHost;
  runner: Runner;
  to: Followed;
}

/** Loads a step; throws ProviderError when its host has no runner, or is another machine than the plan names. */
export async function workOf(deps: ActivityDeps, { taskId, position, step }: StepInput): Promise<StepWork> {
  const { db, outputLimitBytes: limitBytes, runners } = deps;
  const row = await loadStep(db, taskId, position);
  refuseOtherMachine(deps, row);
  const host = admittedHost(deps, row.host);
  const rules = rulesOn(deps.renderer.hostRules, [host]);
  const origin = { instanceId: row.instanceId, host: row.host.name, step };
  return { row, rules, host, runner: runnerOf(runners, host), to: { db, limitBytes, taskId, origin } };
}

/** A host's address may change during its sub-task; the approval covers only the planned machine. */
function refuseOtherMachine({ renderer: { reach } }: ActivityDeps, { host, machine }: StepRow): void {
  if (!machine) return;
  const { id, name, ipAddress } = host;
  const reached = { ...host, hostId: id, hostname: name, address: ipAddress[0]?.address ?? '' };
  try {
    demandSameMachine(name, machine, machineOf(reached, reach));
  } catch (error) {
    throw error instanceof Problem ? refused('machine', render(error.said, 'en')) : error;
  }
}

/** Tries a step: a refusal is its outcome; an unreachable host is shown, and the engine retries. */
export async function attemptStep(
  { db }: ActivityDeps,
  { taskId, position, step }: StepInput,
  work: () => Promise<StepOutcome>,
): Promise<StepOutcome> {
  await markStep(db, { taskId, position, step, message: null });
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    if (error.kind === 'refused') return { ok: false, message: error.message };
    await markStep(db, { taskId, position, step, message: `no answer: ${error.message}` });
    throw ApplicationFailure.create({ type: 'Unavailable', message: error.message });
  }
}

/** Runs jobs in sequence up to the first failure. */
export async function runJobs({ to, runner, host, rules }: StepWork, jobs: readonly StepJob[]): Promise<StepOutcome> {
  for (const job of jobs) {
    demandUser(rules, host, job.user);
    const message = failureOf(await runJob(to, runner, host, { ...job, neverRoot: isNeverRoot(rules) }));
    if (message !== null && !job.mayFail) {
      await addSystemLines(to, `${job.id} end`, [message]);
      return { ok: false, message };
    }
    if (message === null && job.isEnough) break;
  }
  return { ok: true, message: null };
}

/** Ends these jobs if they still run; undefined: the step has no such job on this host. */
export async function killJobs({ to, runner, host }: StepWork, jobs: readonly (StepJob | undefined)[]): Promise<void> {
  for (const job of jobs) if (job) await killJob(to, runner, host, job.id);
}
