import { Context } from '@temporalio/activity';
import { deployTask, packageToRead, planSubject, presentPlan, requestKind } from '../../db/deploy/tasks.ts';
import type { NamedDeployTask } from '../../db/deploy/tasks.ts';
import { refuseForeignPlace } from '../../db/deploy/places.ts';
import { composePlan, planBasis } from '../../db/deploy/plan.ts';
import { renderApart } from '../../db/deploy/render-apart.ts';
import { findObstacles, listUpgraded, planRollout, recordRefusedStart, recordWait } from '../../db/deploy/rollouts.ts';
import { judgeDeploy } from '../../db/deploy/finish.ts';
import { beginSubTask, createSubTask } from '../../db/deploy/sub-tasks.ts';
import { refuseUnadmitted } from '../../db/hosts/ways.ts';
import { recordChange, recordTransition } from '../../db/deploy/transitions.ts';
import { recordRefusalOnce } from '../../db/audit/refusals.ts';
import { loadSubject, mayOn } from '../../db/access/rights.ts';
import { voterOf } from '../../db/approvals/people.ts';
import { quote } from '../../db/audit/text.ts';
import { isSigned } from '../../db/secrets/message-proofs.ts';
import type { DecideAttempt, DecideInput, Decider } from '../../workflows/approvals/contract.ts';
import { openAtFirst, requiredVotes } from '../../workflows/approvals/quorum.ts';
import type { SubTaskInput } from '../../workflows/deploy/contract.ts';
import type { DeployRecordActivities } from '../../workflows/deploy/ports.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import type { Actor } from '../../workflows/tasks/contract.ts';
import type { ActivityDeps } from '../deps.ts';
import { thisActivity } from '../interceptors/proofs.ts';
import type { Package } from '../providers/repository/store.ts';
import { readPackage } from './package.ts';
import { weighApproval } from './weigh.ts';
import type { Reason } from '../../workflows/problems/problem.ts';
import { auditText, inBoth } from '../../kit/messages/audit-text.ts';

/** The activities of deploy tasks that write to the database, one transaction each. */
export function createDeployRecordActivities(deps: ActivityDeps): DeployRecordActivities {
  const { db, renderer, monitoring } = deps;
  // Fixed with the sub-task: later configuration must not change its course.
  const monitored = (input: SubTaskInput): SubTaskInput => (monitoring ? { ...input, maintenance: true } : input);
  return {
    recordTransition: (input) => recordTransition(db, input),

    recordChange: (input) =>
      renderApart(renderer, (known) =>
        recordChange(db, input, {
          async compose(tx, task) {
            const { applicationId } = task;
            await refuseForeignPlace(tx, await loadSubject(tx, input.actor.id), applicationId);
            const basis = await planBasis(tx, applicationId);
            return composePlan(tx, known, planSubject(task), packageToRead(task.packageSource), basis);
          },
          approval: (policy) => ({ openTo: openAtFirst(policy), requiredApprovals: requiredVotes(policy) }),
        }),
      ),

    async createSubTask(input) {
      const { updateSource, instanceIds } = input;
      // Before the package is read: the task must not use another application's hosts.
      const existing = await beginSubTask(db, renderer, input);
      if (existing) return monitored(existing);
      await refuseUnadmitted(db, deps.hostAdmission, { instanceIds });
      const found =
        updateSource === null ? null : await plannedPackage(deps, input.deployTaskId, updateSource, instanceIds);
      return monitored(await renderApart(renderer, (known) => createSubTask(db, known, { ...input, package: found })));
    },

    findObstacles: ({ taskId, at }) => findObstacles(db, taskId, new Date(at)),

    recordRefusedStart: ({ taskId, problem }) => recordRefusedStart(db, taskId, problem),

    planRollout: ({ taskId }) => planRollout(db, taskId),

    async weighVotes({ taskId }) {
      const task = await deployTask(db, taskId);
      return task ? weighApproval(db, task) : null;
    },

    recordWait: (input) => recordWait(db, input),

    listUpgraded: ({ taskId }) => listUpgraded(db, taskId),

    judgeDeploy: ({ deployTaskId }) => judgeDeploy(db, deployTaskId),

    async authorizeDecision({ taskId, decide, proof = '' }) {
      ensureProven(deps, decide, proof);
      const task = await deployTask(db, taskId);
      const actor = task && (await actorOf(deps, decide));
      const decider = actor && (await deciderOf(deps, task, actor, decide));
      if (!decider) throw new Problem('not_allowed', { permission: 'review_app_deploy_task' });
      return decider;
    },

    async recordRefusedDecision({ taskId, attempt, problem }) {
      const task = await deployTask(db, taskId);
      if (task) await refusedDecision(deps, task, attempt, problem);
    },
  };
}

/** The package of an upgrade. Throws Problem when it can't be read now, or could not be read when approved. */
async function plannedPackage(
  deps: ActivityDeps,
  deployTaskId: number,
  source: string,
  [instanceId = null]: (number | null)[],
): Promise<Package> {
  const { db } = deps;
  const task = await deployTask(db, deployTaskId);
  const plan = task && (await presentPlan(db, task.id, task.planRound));
  if (!task || !plan) throw new Problem('no_such', { thing: 'deploy task', id: deployTaskId });
  const { applicationId } = task;
  const { sha256, unread } = plan.package;
  if (sha256 === null) throw new Problem('package_unread', { reason: unread ?? 'it was never read' });
  const approved = source === plan.package.source ? sha256 : null;
  const found = await readPackage(deps, { applicationId, instanceId, source, approved });
  if ('unread' in found) throw new Problem('package_unread', { reason: found.unread });
  return found;
}

/**
 * Anyone who reaches the engine's port can claim any identity; the key proves that the sender is a trusted bot or operator.
 */
function ensureProven({ decisions: { mode, key } }: ActivityDeps, decide: DecideInput, proof: string): void {
  if (mode === 'open') return;
  if (mode === 'off') throw new Problem('signals_off');
  const workflowId = Context.current().info.workflowExecution?.workflowId ?? '';
  if (key === undefined || !isSigned(key, workflowId, decide, proof)) throw new Problem('no_proof');
}

async function actorOf({ db }: ActivityDeps, { actor, messageId }: DecideInput): Promise<Actor | null> {
  const user = await db
    .selectFrom('users')
    .select(['id', 'username'])
    .where('username', '=', actor)
    .where('status', '=', 'enabled')
    .executeTakeFirst();
  return user ? { ...user, channel: 'chat-ops', messageId } : null;
}

/** The actor with their present rights, if they may decide at all; the workflow decides whether the vote counts. */
async function deciderOf(
  { db }: ActivityDeps,
  task: NamedDeployTask,
  actor: Actor,
  { decision }: DecideInput,
): Promise<Decider | undefined> {
  const mine = task.creatorId === actor.id || task.ownerId === actor.id;
  const subject = await loadSubject(db, actor.id);
  if ((await mayOn(db, subject, 'application', 'view_app', task.applicationId)) !== 'yes') return undefined;
  const voter = await voterOf(db, subject, { kind: requestKind, ...task });
  const may = voter.holds || voter.delegators.length > 0 || (decision === 'close' && mine);
  return may ? { ...actor, voter } : undefined;
}

const refusedDecision = ({ db }: ActivityDeps, task: NamedDeployTask, attempt: DecideAttempt, problem: Reason) =>
  recordRefusalOnce(
    db,
    {
      id: 0,
      username: attempt.actor || 'unknown',
      channel: 'chat-ops',
      messageId: attempt.messageId || null,
      requestId: thisActivity(),
    },
    {
      view: 'app',
      area: 'deploy',
      opType: 'update',
      targetType: requestKind,
      targetId: task.id,
      targetName: task.fullName,
      detail: auditText('decision_refused', {
        id: task.id,
        decision: quote(attempt.decision),
        why: inBoth(problem, quote),
      }),
    },
  );
