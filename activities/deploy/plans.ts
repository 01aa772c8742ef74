import type { Kysely } from 'kysely';
import { loadSubject, mayOn } from '../../db/access/rights.ts';
import type { Database } from '../../db/database.ts';
import { findObstacles } from '../../db/deploy/rollouts.ts';
import type { NamedDeployTask } from '../../db/deploy/tasks.ts';
import { composePlan, planBasis, planDifference, planHash } from '../../db/deploy/plan.ts';
import type { PlanBasis } from '../../db/deploy/plan.ts';
import { deployTask, planSubject, packageToRead, presentPlan } from '../../db/deploy/tasks.ts';
import { fixPlan } from '../../db/deploy/transitions.ts';
import type { DeployPlan, PlannedPackage } from '../../workflows/deploy/contract.ts';
import type { DeployHands } from '../../workflows/deploy/ports.ts';
import { Problem } from '../../workflows/problem.ts';
import type { ActivityDeps } from '../deps.ts';
import { readPackage } from './package.ts';

/** The two moments at which a plan is made besides the writing of its task. */
export function createPlans(deps: ActivityDeps): Pick<DeployHands, 'completePlan' | 'remakePlan'> {
  const { db, renderer } = deps;
  return {
    async completePlan({ taskId, round }) {
      const plan = await withPackage(deps, await planOf(deps, taskId, round));
      const hash = planHash(plan);
      await fixPlan(db, { taskId, round, plan, hash });
      return { planHash: hash };
    },

    async remakePlan({ taskId, round, at }) {
      const task = await deployTask(db, taskId);
      if (!task) throw noSuchTask(taskId);
      const basis = await planBasis(db, task.applicationId);
      const composed = await composePlan(db, renderer, planSubject(task), packageToRead(task.packageSource), basis);
      ensureStartable(basis, composed);
      await ensureOwnerMay(db, task);
      const plan = await withPackage(deps, composed);
      const difference = planDifference(await planOf(deps, taskId, round), plan);
      const hash = planHash(plan);
      if (difference !== null) await fixPlan(db, { taskId, round: round + 1, plan, hash });
      const { freeze } = await findObstacles(db, taskId, at === undefined ? new Date() : new Date(at));
      return { planHash: hash, difference, freeze };
    },
  };
}

const noSuchTask = (id: number): Problem => new Problem('no_such', { thing: 'deploy task', id });

async function planOf({ db }: ActivityDeps, taskId: number, round: number): Promise<DeployPlan> {
  const plan = await presentPlan(db, taskId, round);
  if (!plan) throw noSuchTask(taskId);
  return plan;
}

/** The plan with its package as it lies on the first instance's host now. */
async function withPackage(deps: ActivityDeps, plan: DeployPlan): Promise<DeployPlan> {
  const { source } = plan.package;
  const found = await readPackage(deps, plan.instances[0]?.instance ?? 0, source);
  const read: PlannedPackage =
    'unread' in found
      ? { source, sha256: null, size: null, unread: found.unread }
      : { source, sha256: found.sha256, size: found.size, unread: null };
  return { ...plan, package: read };
}

/** He may have lost the right, or his account, between the approval and a start by itself. */
async function ensureOwnerMay(db: Kysely<Database>, { ownerId, applicationId }: NamedDeployTask): Promise<void> {
  const user = await db.selectFrom('users').select('status').where('id', '=', ownerId).executeTakeFirst();
  const subject = await loadSubject(db, ownerId);
  const may = await mayOn(db, subject, 'application', 'deploy_app', applicationId);
  if (user?.status !== 'enabled' || may !== 'yes') throw new Problem('not_allowed', { permission: 'deploy_app' });
}

function ensureStartable({ settings }: PlanBasis, plan: DeployPlan): void {
  if (!settings.enabled) throw new Problem('settings_disabled');
  if (plan.deploy_path === '') throw new Problem('no_deploy_path');
  if (plan.instances.length === 0) throw new Problem('no_instances');
}
