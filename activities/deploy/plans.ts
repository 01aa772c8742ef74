import { Context } from '@temporalio/activity';
import type { Kysely } from 'kysely';
import { loadSubject, mayOn } from '../../db/access/rights.ts';
import type { Subject } from '../../db/access/rights.ts';
import type { Database } from '../../db/database.ts';
import { refuseForeignPlace } from '../../db/deploy/places.ts';
import { findObstacles } from '../../db/deploy/rollouts.ts';
import { reachedBy } from '../../db/deploy/machines.ts';
import { composePlan, planBasis, planHash } from '../../db/deploy/plan.ts';
import type { PlanBasis } from '../../db/deploy/plan.ts';
import { planDifference } from '../../db/deploy/plan-difference.ts';
import { refuseUnadmitted } from '../../db/hosts/ways.ts';
import { deployTask, planSubject, packageToRead, presentPlan } from '../../db/deploy/tasks.ts';
import type { NamedDeployTask } from '../../db/deploy/tasks.ts';
import { fixPlan } from '../../db/deploy/transitions.ts';
import type { DeployPlan, PlannedPackage } from '../../workflows/deploy/contract.ts';
import type { DeployActivities, RemadePlan } from '../../workflows/deploy/ports.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import type { ActivityDeps } from '../deps.ts';
import { unavailable } from '../providers/error.ts';
import { readPackage } from './package.ts';
import type { FoundPackage } from './package.ts';
import { weighApproval } from './weigh-approval.ts';

/** Attempts at an unreachable repository or host before the plan records its package as unread. */
const patience = 3;

type Plans = Pick<DeployActivities, 'completePlan' | 'remakePlan' | 'canReadPackage' | 'rereadPlan' | 'replan'>;

/** The activities that make plans after the task was created. */
export function createPlans(deps: ActivityDeps): Plans {
  return {
    async completePlan({ taskId, round }) {
      const { applicationId } = await taskOf(deps, taskId);
      const plan = await planOf(deps, taskId, round);
      const found = await readFor(deps, applicationId, plan);
      if ('unread' in found && found.mayPass && Context.current().info.attempt < patience) {
        throw unavailable('package', found.unread);
      }
      const reading = readingOf(found);
      const complete = reachedFromHere(deps, withReading(plan, reading));
      return { planHash: await fix(deps, taskId, round, complete), unread: reading.unread };
    },

    remakePlan: (input) => remakePlan(deps, input),

    async canReadPackage({ taskId, round }) {
      const { applicationId } = await taskOf(deps, taskId);
      return !('unread' in (await readFor(deps, applicationId, await planOf(deps, taskId, round))));
    },

    async rereadPlan({ taskId, round }) {
      const task = await taskOf(deps, taskId);
      const before = await planOf(deps, taskId, round);
      const found = await readFor(deps, task.applicationId, before);
      if ('unread' in found) return null;
      const { composed } = await compose(deps, task);
      const plan = withReading(composed, readingOf(found));
      return { planHash: await fix(deps, taskId, round + 1, plan), difference: planDifference(before, plan) };
    },

    async replan({ taskId, round }) {
      const task = await taskOf(deps, taskId);
      const { composed } = await compose(deps, task);
      const before = await planOf(deps, taskId, task.planRound);
      return { planHash: await fix(deps, taskId, round, withReading(composed, readAs(before))) };
    },
  };
}

async function remakePlan(
  deps: ActivityDeps,
  { taskId, round, at }: Parameters<DeployActivities['remakePlan']>[0],
): Promise<RemadePlan> {
  const { db } = deps;
  const task = await taskOf(deps, taskId);
  const { basis, composed } = await compose(deps, task);
  ensureStartable(basis, composed);
  await refuseUnadmitted(db, deps.hostAdmission, { applicationId: task.applicationId });
  await refuseForeignPlace(db, await ownerOf(db, task), task.applicationId);
  const before = await planOf(deps, taskId, round);
  const found = await readFor(deps, task.applicationId, composed);
  // An unread package has not changed: votes stay, and the start may be retried.
  if ('unread' in found) throw new Problem('package_unread', { reason: found.unread });
  const plan = withReading(composed, readingOf(found));
  const difference = planDifference(before, plan);
  const sentBack = await weighApproval(db, task);
  const isOther = difference !== null || sentBack !== null;
  const hash = isOther ? await fix(deps, taskId, round + 1, plan) : planHash(before);
  const { freeze } = await findObstacles(db, taskId, at === undefined ? new Date() : new Date(at));
  return { planHash: hash, difference, freeze, sentBack };
}

/** Composes the task's plan from the present state, without reading its package. */
async function compose({ db, renderer }: ActivityDeps, task: NamedDeployTask) {
  const basis = await planBasis(db, task.applicationId);
  const unread = packageToRead(task.packageSource);
  return { basis, composed: await composePlan(db, renderer, planSubject(task), unread, basis) };
}

const withReading = (plan: DeployPlan, reading: ReadPart): DeployPlan => ({
  ...plan,
  package: { ...plan.package, ...reading },
});

/** Stores the plan of a round; returns its hash. */
async function fix({ db }: ActivityDeps, taskId: number, round: number, plan: DeployPlan): Promise<string> {
  const hash = planHash(plan);
  await fixPlan(db, { taskId, round, plan, hash });
  return hash;
}

/** Recomputes how machines are reached: the API that wrote the plan may be configured differently from the workers. */
function reachedFromHere({ renderer: { reach } }: ActivityDeps, plan: DeployPlan): DeployPlan {
  const instances = plan.instances.map(({ machine, ...instance }) => ({
    ...instance,
    ...(machine && { machine: reachedBy(machine, reach) }),
  }));
  return { ...plan, instances };
}

const noSuchTask = (id: number): Problem => new Problem('no_such', { thing: 'deploy task', id });

async function planOf({ db }: ActivityDeps, taskId: number, round: number): Promise<DeployPlan> {
  const plan = await presentPlan(db, taskId, round);
  if (!plan) throw noSuchTask(taskId);
  return plan;
}

async function taskOf({ db }: ActivityDeps, taskId: number): Promise<NamedDeployTask> {
  const task = await deployTask(db, taskId);
  if (!task) throw noSuchTask(taskId);
  return task;
}

/** The owner, whose right or account may be gone between the approval and an automatic start. */
async function ownerOf(db: Kysely<Database>, { ownerId, applicationId }: NamedDeployTask): Promise<Subject> {
  const user = await db.selectFrom('users').select('status').where('id', '=', ownerId).executeTakeFirst();
  const subject = await loadSubject(db, ownerId);
  const may = await mayOn(db, subject, 'application', 'deploy_app', applicationId);
  if (user?.status !== 'enabled' || may !== 'yes') throw new Problem('not_allowed', { permission: 'deploy_app' });
  return subject;
}

type ReadPart = Pick<PlannedPackage, 'sha256' | 'size' | 'unread' | 'notes'>;

const readAs = ({ package: { sha256, size, unread, notes } }: DeployPlan): ReadPart => ({
  sha256,
  size,
  unread,
  ...(notes && { notes }),
});

/** Reads the package of a plan from its repository, or from the first instance's host. */
const readFor = (deps: ActivityDeps, applicationId: number, plan: DeployPlan): Promise<FoundPackage> =>
  readPackage(deps, {
    applicationId,
    instanceId: plan.instances[0]?.instance ?? null,
    source: plan.package.source,
    signal: Context.current().cancellationSignal,
  });

const readingOf = (found: FoundPackage): ReadPart =>
  'unread' in found
    ? { sha256: null, size: null, unread: found.unread }
    : { sha256: found.sha256, size: found.size, unread: null, ...(found.notes && { notes: found.notes }) };

function ensureStartable({ settings }: PlanBasis, plan: DeployPlan): void {
  if (!settings.enabled) throw new Problem('settings_disabled');
  if (plan.deploy_path === '') throw new Problem('no_deploy_path');
  if (plan.instances.length === 0) throw new Problem('no_instances');
}
