import type { Kysely } from 'kysely';
import { loadSubject, mayOn } from '../../db/access/rights.ts';
import type { Database } from '../../db/database.ts';
import { judgeDeploy } from '../../db/deploy/finish.ts';
import { refuseForeignPlace } from '../../db/deploy/places.ts';
import { composePlan, planBasis } from '../../db/deploy/plan.ts';
import { renderApart } from '../../db/deploy/render-apart.ts';
import { findObstacles, listUpgraded, planRollout, recordRefusedStart, recordWait } from '../../db/deploy/rollouts.ts';
import { beginSubTask, createSubTask } from '../../db/deploy/sub-tasks.ts';
import { deployTable, deployTask, packageToRead, planSubject, presentPlan } from '../../db/deploy/tasks.ts';
import type { NamedDeployTask } from '../../db/deploy/tasks.ts';
import { auditText } from '../../kit/messages/audit-text.ts';
import { deployAudit, recordChange, recordTransition } from '../../db/deploy/transitions.ts';
import { refuseUnadmitted } from '../../db/hosts/ways.ts';
import { openAtFirst, requiredVotes } from '../../workflows/approvals/quorum.ts';
import type { SubTaskInput } from '../../workflows/deploy/contract.ts';
import type { DeployRecordActivities } from '../../workflows/deploy/ports.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { authorizeDecider, recordRefusedMessage } from '../approvals/decisions.ts';
import type { DecidedOn } from '../approvals/decisions.ts';
import type { ActivityDeps } from '../deps.ts';
import type { Package } from '../providers/repository/store.ts';
import { readPackage } from './package.ts';
import { weighApproval } from './weigh-approval.ts';

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

    createSubTask: async (input) => monitored(await makeSubTask(deps, input)),

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

    authorizeDecision: ({ taskId, ...message }) =>
      authorizeDecider(deps, message, deployTable.kind, async () => {
        const task = await deployTask(db, taskId);
        return task && decidedOn(db, task);
      }),

    async recordRefusedDecision({ taskId, attempt, problem }) {
      const task = await deployTask(db, taskId);
      if (!task) return;
      const label = auditText('deploy_task', { id: taskId });
      await recordRefusedMessage(
        deps,
        { ...deployAudit(task), kind: deployTable.kind, id: taskId, label },
        attempt,
        problem,
      );
    },
  };
}

async function makeSubTask(
  deps: ActivityDeps,
  input: Parameters<DeployRecordActivities['createSubTask']>[0],
): Promise<SubTaskInput> {
  const { db, renderer } = deps;
  const { updateSource, instanceIds } = input;
  // Before the package is read: the task must not use another application's hosts.
  const existing = await beginSubTask(db, renderer, input);
  if (existing) return existing;
  await refuseUnadmitted(db, deps.hostAdmission, { instanceIds });
  const found =
    updateSource === null ? null : await plannedPackage(deps, input.deployTaskId, updateSource, instanceIds);
  return renderApart(renderer, (known) => createSubTask(db, known, { ...input, package: found }));
}

const decidedOn = (db: Kysely<Database>, { id, applicationId, creatorId, ownerId }: NamedDeployTask): DecidedOn => ({
  kind: deployTable.kind,
  id,
  applicationId,
  closers: [creatorId, ownerId],
  sees: async (subject) => (await mayOn(db, subject, 'application', 'view_app', applicationId)) === 'yes',
});

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
