// Who may do what with a deploy task: its application's permissions, and what the task itself gives to its creator, its
// owner and the reviewers that it was delegated to.
import type { ApplicationPermission } from '../../db/access/catalogue.ts';
import { mayOn } from '../../db/access/rights.ts';
import { deployTask, isDelegatedReviewer } from '../../db/deploy/tasks.ts';
import type { NamedDeployTask } from '../../db/deploy/tasks.ts';
import type { Ctx } from '../context.ts';
import { demandOn, notAllowed, notFound, permission, requestedId } from '../permissions.ts';
import type { Permission, PermissionRequest } from '../permissions.ts';

const review = 'review_app_deploy_task';

/** The task of a request; 404 unless the caller may view its application. */
async function seenTask(request: PermissionRequest): Promise<NamedDeployTask> {
  const { ctx } = request;
  const task = await deployTask(ctx.db, requestedId(request, 'id'));
  if (!task) throw notFound();
  await demandOn(ctx, 'application', 'view_app', task.applicationId);
  return task;
}

const holdsOn = async (ctx: Ctx, name: ApplicationPermission, task: NamedDeployTask): Promise<boolean> =>
  (await mayOn(ctx.db, ctx.subject, 'application', name, task.applicationId)) === 'yes';

const reviews = async (ctx: Ctx, task: NamedDeployTask): Promise<boolean> =>
  (await holdsOn(ctx, review, task)) || isDelegatedReviewer(ctx.db, task.id, ctx.subject.userId);

const mine = (ctx: Ctx, task: NamedDeployTask): boolean =>
  task.creatorId === ctx.subject.userId || task.ownerId === ctx.subject.userId;

/** Any one of these permissions on the task's application. */
export const onTask = (...names: [ApplicationPermission, ...ApplicationPermission[]]): Permission =>
  permission({
    names,
    async check(request) {
      const task = await seenTask(request);
      for (const name of names) if (await holdsOn(request.ctx, name, task)) return;
      throw notAllowed(names[0]);
    },
  });

/** Whoever may approve the task. */
export const reviewer = permission({
  names: [review],
  async check(request) {
    const task = await seenTask(request);
    if (!(await reviews(request.ctx, task))) throw notAllowed(review);
  },
});

/** The owner (the creator until he delegates), holding `deploy_app`. */
export const owner = permission({
  names: ['deploy_app'],
  async check(request) {
    const task = await seenTask(request);
    await demandOn(request.ctx, 'application', 'deploy_app', task.applicationId);
    if (task.ownerId !== request.ctx.subject.userId) throw notAllowed('owner');
  },
});

/** The creator, holding `deploy_app`. */
export const creator = permission({
  names: ['deploy_app'],
  async check(request) {
    const task = await seenTask(request);
    await demandOn(request.ctx, 'application', 'deploy_app', task.applicationId);
    if (task.creatorId !== request.ctx.subject.userId) throw notAllowed('creator');
  },
});

/** The creator, the owner, or whoever may approve. */
export const closer = permission({
  names: [review],
  async check(request) {
    const task = await seenTask(request);
    if (!mine(request.ctx, task) && !(await reviews(request.ctx, task))) throw notAllowed(review);
  },
});

/** Whose turn it is: a reviewer in review, the owner afterwards. */
export const delegator = permission({
  names: [review, 'deploy_app'],
  async check(request) {
    const task = await seenTask(request);
    if (task.status === 'wait_review') {
      if (!(await reviews(request.ctx, task))) throw notAllowed(review);
    } else if (task.ownerId !== request.ctx.subject.userId) throw notAllowed('owner');
  },
});
