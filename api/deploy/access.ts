// Permissions on deploy tasks: those of the application, and those that the task gives to its creator, its owner and the
// reviewers to whom it was delegated.
import type { ApplicationPermission } from '../../db/access/permission-catalogue.ts';
import { mayOn } from '../../db/access/rights.ts';
import { voterOf } from '../../db/approvals/people.ts';
import { deployTask, requestKind } from '../../db/deploy/tasks.ts';
import type { NamedDeployTask } from '../../db/deploy/tasks.ts';
import type { Voter } from '../../workflows/approvals/contract.ts';
import type { Ctx } from '../operations/context.ts';
import { notAllowed, notFound, permission, requestedId } from '../operations/permissions.ts';
import type { Permission, PermissionRequest } from '../operations/permissions.ts';

const review = 'review_app_deploy_task';

interface Seen {
  task: NamedDeployTask;
  holds: boolean;
}

/** A request's task, and whether the caller holds a permission on its application; 404 unless they may view that. */
async function seenTask(request: PermissionRequest, name: ApplicationPermission): Promise<Seen> {
  const { db, subject } = request.ctx;
  const task = await deployTask(db, requestedId(request, 'id'));
  const may = task ? await mayOn(db, subject, 'application', name, task.applicationId) : 'hidden';
  if (!task || may === 'hidden') throw notFound();
  return { task, holds: may === 'yes' };
}

const holdsOn = async (ctx: Ctx, name: ApplicationPermission, task: NamedDeployTask): Promise<boolean> =>
  (await mayOn(ctx.db, ctx.subject, 'application', name, task.applicationId)) === 'yes';

/** The caller as a voter on a task. */
export const callerAsVoter = (ctx: Ctx, task: Pick<NamedDeployTask, 'id' | 'applicationId'>): Promise<Voter> =>
  voterOf(ctx.db, ctx.subject, { kind: requestKind, id: task.id, applicationId: task.applicationId });

const reviews = async (ctx: Ctx, { task, holds }: Seen): Promise<boolean> =>
  holds || (await callerAsVoter(ctx, task)).delegators.length > 0;

/** A request's task, if the caller holds a permission on its application. */
async function taskWith(request: PermissionRequest, name: ApplicationPermission): Promise<NamedDeployTask> {
  const { task, holds } = await seenTask(request, name);
  if (!holds) throw notAllowed(name);
  return task;
}

const mine = (ctx: Ctx, task: NamedDeployTask): boolean =>
  task.creatorId === ctx.subject.userId || task.ownerId === ctx.subject.userId;

/** Any of these permissions on the task's application. */
export const onTask = (...names: [ApplicationPermission, ...ApplicationPermission[]]): Permission =>
  permission({
    names,
    async check(request) {
      const [first, ...others] = names;
      const { task, holds } = await seenTask(request, first);
      if (holds) return;
      for (const name of others) if (await holdsOn(request.ctx, name, task)) return;
      throw notAllowed(names[0]);
    },
  });

/** Users who may approve the task. */
export const reviewer = permission({
  names: [review],
  async check(request) {
    const seen = await seenTask(request, review);
    if (!(await reviews(request.ctx, seen))) throw notAllowed(review);
  },
});

/** The owner (the creator until they delegate), holding `deploy_app`. */
export const owner = permission({
  names: ['deploy_app'],
  async check(request) {
    const task = await taskWith(request, 'deploy_app');
    if (task.ownerId !== request.ctx.subject.userId) throw notAllowed('owner');
  },
});

/** The creator, holding `deploy_app`. */
export const creator = permission({
  names: ['deploy_app'],
  async check(request) {
    const task = await taskWith(request, 'deploy_app');
    if (task.creatorId !== request.ctx.subject.userId) throw notAllowed('creator');
  },
});

/** The creator, the owner, or a user who may approve. */
export const closer = permission({
  names: [review],
  async check(request) {
    const seen = await seenTask(request, review);
    if (!mine(request.ctx, seen.task) && !(await reviews(request.ctx, seen))) throw notAllowed(review);
  },
});

/** A reviewer during review, the owner afterwards. Delegating requires the right itself. */
export const delegator = permission({
  names: [review, 'deploy_app'],
  async check(request) {
    const seen = await seenTask(request, review);
    const { task } = seen;
    if (task.status === 'wait_review') {
      if (!seen.holds) throw notAllowed(review);
      return;
    }
    if (task.ownerId !== request.ctx.subject.userId) throw notAllowed('owner');
    if (!(await holdsOn(request.ctx, 'deploy_app', task))) throw notAllowed('deploy_app');
  },
});
