// Permissions on deploy tasks: those of the application, and those that the task gives to its creator, its owner and the
// reviewers to whom it was delegated. Each check returns the task.
import type { ApplicationPermission } from '../../db/access/permission-catalogue.ts';
import { actionsFor } from '../../db/access/rights.ts';
import { voterOf } from '../../db/approvals/people.ts';
import { deployTable, deployTask } from '../../db/deploy/tasks.ts';
import type { NamedDeployTask } from '../../db/deploy/tasks.ts';
import type { Voter } from '../../workflows/approvals/contract.ts';
import { deployActions } from '../../workflows/deploy/policy.ts';
import { ownVoter } from '../approvals/request-object.ts';
import type { Ctx } from '../operations/context.ts';
import { demandSystem, notAllowed, notFound, permission, requestedId } from '../operations/permissions.ts';
import type { Permission, PermissionRequest } from '../operations/permissions.ts';

const review = 'review_app_deploy_task';

interface Seen {
  task: NamedDeployTask;
  /** The caller's permissions on its application. */
  held: ReadonlySet<string>;
}

/** A request's task, and the caller's rights on its application; 404 unless they may view that. */
async function seenTask(request: PermissionRequest): Promise<Seen> {
  const { db, subject } = request.ctx;
  const task = await deployTask(db, requestedId(request, 'id'));
  const held = task && (await actionsFor(db, subject, 'application', [task.applicationId])).get(task.applicationId);
  if (!task || task.applicationDeleted !== null || !held?.has('view_app')) throw notFound();
  return { task, held };
}

export const votedOn = ({ id, applicationId }: Pick<NamedDeployTask, 'id' | 'applicationId'>) =>
  ({ kind: deployTable.kind, id, applicationId }) as const;

/** The caller as a voter on a task. */
export const callerAsVoter = (ctx: Ctx, task: Pick<NamedDeployTask, 'id' | 'applicationId'>): Promise<Voter> =>
  voterOf(ctx.db, ctx.subject, votedOn(task));

/** Any of these permissions on the task's application. */
export const onTask = (...names: [ApplicationPermission, ...ApplicationPermission[]]): Permission<NamedDeployTask> =>
  permission({
    names,
    async check(request) {
      const { task, held } = await seenTask(request);
      if (!names.some((name) => held.has(name))) throw notAllowed(names[0]);
      return task;
    },
  });

type ActionName = keyof typeof deployActions;

/** Actions of the reviewers, to whom a task may have been delegated. */
const reviewed: readonly ActionName[] = ['approve', 'reject', 'close'];

/** What an action demands of the person, by the table that `available_actions` reads too. */
export const toTask = (action: ActionName, ...names: ApplicationPermission[]): Permission<NamedDeployTask> =>
  permission({
    names,
    async check(request) {
      const { ctx } = request;
      const { task, held } = await seenTask(request);
      const holds = held.has(review);
      const voter = reviewed.includes(action) && !holds ? await callerAsVoter(ctx, task) : ownVoter(ctx.subject, holds);
      const lacking = deployActions[action].lacks(
        { ...task, kind: deployTable.kind },
        { actor: ctx.by, deploys: held.has('deploy_app'), voter },
      );
      if (lacking !== null) throw notAllowed(lacking);
      return task;
    },
  });

/** The owner; with `override` they also need the right to bypass a freeze. */
export const starter = permission({
  names: ['deploy_app', 'override_freeze'],
  async check(request) {
    const task = await toTask('start', 'deploy_app').check(request);
    const { override } = (request.body ?? {}) as { override?: unknown };
    if (override === true) demandSystem(request.ctx, 'override_freeze');
    return task;
  },
});
