import { z } from 'zod';
import { loadSubject, mayOn } from '../../db/access/rights.ts';
import { deployTable } from '../../db/deploy/tasks.ts';
import type { NamedDeployTask } from '../../db/deploy/tasks.ts';
import { delegateUpdate } from '../../workflows/approvals/contract.ts';
import { pauseUpdate, resumeUpdate, startUpdate } from '../../workflows/deploy/contract.ts';
import { canClose, canDelegate, canPause, canResume, canStart } from '../../workflows/deploy/policy.ts';
import type { DeployView } from '../../workflows/deploy/policy.ts';
import { invalidField } from '../../workflows/problems/problem.ts';
import { decide } from '../approvals/decide.ts';
import { reason, requestOperations } from '../approvals/operations.ts';
import type { RequestOperations } from '../approvals/operations.ts';
import { command } from '../operations/command.ts';
import type { Ctx } from '../operations/context.ts';
import { done, id, success } from '../operations/schemas.ts';
import { callerAsVoter, onTask, starter, toTask, votedOn } from './access.ts';
import { deployTasks } from './decidable.ts';
import { placeProblems } from './settings-change.ts';
import { msg } from '../../kit/messages/message.ts';
import { issue } from '../operations/issue.ts';

const area = 'deploy';
const engine = ['workflow_lost'] as const;

const asRequests: RequestOperations<NamedDeployTask, DeployView> = {
  kind: deployTable.kind,
  area,
  path: '/application/deploy-tasks',
  name: 'DeployTask',
  title: 'deploy task',
  decidable: deployTasks,
  permissions: {
    view: onTask('view_app'),
    approve: toTask('approve', 'review_app_deploy_task'),
    reject: toTask('reject', 'review_app_deploy_task'),
    close: toTask('close', 'review_app_deploy_task'),
  },
  voterOf: callerAsVoter,
  votedOn,
  approvedOn: ({ fullName, applicationId }) => ({ target: fullName, where: { application: applicationId } }),
  canClose,
  problems: {
    decided: ['already_approved', 'request_closed', 'request_finished', 'request_rejected'],
    approve: ['package_unread'],
    close: ['request_closed', 'request_finished', 'request_rejected', 'sub_task_running'],
  },
};

const startBody = z
  .strictObject({
    force: z.boolean().default(false),
    override: z.boolean().default(false),
    reason,
    break_glass: z.boolean().default(false).describe('start without waiting for the approval; needs a reason'),
  })
  .refine(({ override, reason: why }) => !override || (why ?? '').trim() !== '', {
    path: ['reason'],
    message: issue('is_needed_to_override_a_freeze'),
  })
  .refine(({ break_glass: breaks, reason: why }) => !breaks || (why ?? '').trim() !== '', {
    path: ['reason'],
    message: issue('is_needed_to_break_glass'),
  });

const start = command({
  method: 'post',
  path: '/application/deploy-tasks/{id}/actions/start/',
  id: 'startDeployTask',
  area,
  summary: 'Start a deploy task',
  permission: starter,
  body: startBody.optional(),
  returns: success,
  problems: [
    ...engine,
    'already_started',
    'request_closed',
    'request_finished',
    'request_rejected',
    'not_approved_yet',
    'before_planned_time',
    'another_running',
    'settings_disabled',
    'no_deploy_path',
    'no_instances',
    ...placeProblems,
    'host_not_admitted',
    'back_to_review',
    'approval_gone',
    'package_unread',
    'no_break_glass',
    'frozen',
  ],
  async handle({ body }, ctx) {
    const { force = false, override = false, break_glass: breaks = false, reason: why } = body ?? {};
    const breakGlass = breaks ? { breakGlass: { roles: ctx.subject.roleIds } } : {};
    const input = { actor: ctx.by, force, override, reason: why, ...breakGlass };
    await decide(ctx, deployTasks, startUpdate, input, (view) => canStart(view, input, ctx.now()));
    return done;
  },
});

const turn = (which: 'pause' | 'resume') =>
  command({
    method: 'post',
    path: `/application/deploy-tasks/{id}/actions/${which}/`,
    id: `${which}DeployTask`,
    area,
    summary: which === 'pause' ? 'Pause a rolling deploy task: no further batch starts' : 'Resume a paused deploy task',
    permission: toTask(which, 'deploy_app'),
    returns: success,
    problems: [...engine, 'not_running', 'not_rolling', which === 'pause' ? 'already_paused' : 'not_paused'],
    async handle(_input, ctx) {
      const [update, gate] = which === 'pause' ? [pauseUpdate, canPause] : [resumeUpdate, canResume];
      await decide(ctx, deployTasks, update, { actor: ctx.by }, (view) => gate(view, ctx.by));
      return done;
    },
  });

const delegate = command({
  method: 'post',
  path: '/application/deploy-tasks/{id}/actions/delegate/',
  id: 'delegateDeployTask',
  area,
  summary: 'Hand the next step of a deploy task to another user',
  permission: toTask('delegate', 'review_app_deploy_task', 'deploy_app'),
  body: z.strictObject({ user_id: id }),
  returns: success,
  problems: [...engine, 'request_closed', 'request_finished', 'request_rejected'],
  async handle({ body }, ctx) {
    const { user_id: userId } = body;
    const username = await delegateOf(ctx, userId);
    const input = { actor: ctx.by, userId, username };
    await decide(ctx, deployTasks, delegateUpdate, input, (view) => canDelegate(view, ctx.by, userId));
    return done;
  },
});

/** Name of the new delegate: enabled, and able to view the application. */
async function delegateOf(ctx: Ctx<NamedDeployTask>, userId: number): Promise<string> {
  const unfit = invalidField('user_id', msg('must_be_an_enabled_viewer'));
  const user = await ctx.db
    .selectFrom('users')
    .select(['username', 'status'])
    .where('id', '=', userId)
    .executeTakeFirst();
  if (user?.status !== 'enabled') throw unfit;
  const subject = await loadSubject(ctx.db, userId);
  if ((await mayOn(ctx.db, subject, 'application', 'view_app', ctx.allowed.applicationId)) !== 'yes') throw unfit;
  return user.username;
}

export const actionEndpoints = [...requestOperations(asRequests), start, turn('pause'), turn('resume'), delegate];
