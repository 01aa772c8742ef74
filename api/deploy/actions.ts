import { z } from 'zod';
import { loadSubject, mayOn } from '../../db/access/rights.ts';
import { deployTask } from '../../db/deploy/tasks.ts';
import { approveUpdate, closeUpdate, delegateUpdate, rejectUpdate } from '../../workflows/approvals/contract.ts';
import { canApprove, canReject } from '../../workflows/approvals/policy.ts';
import { pauseUpdate, resumeUpdate, startUpdate } from '../../workflows/deploy/contract.ts';
import { canClose, canDelegate, canPause, canResume, canStart } from '../../workflows/deploy/policy.ts';
import { invalidField } from '../../workflows/problems/problem.ts';
import { command } from '../operations/command.ts';
import type { Ctx } from '../operations/context.ts';
import { demandSystem, permission } from '../operations/permissions.ts';
import { done, id, success } from '../operations/schemas.ts';
import { callerAsVoter, closer, delegator, owner, reviewer } from './access.ts';
import { decide, loadTask } from './decide.ts';
import { placeProblems } from './settings-change.ts';
import { msg } from '../../kit/messages/message.ts';
import { issue } from '../operations/issue.ts';

const area = 'deploy';
const reason = z
  .string()
  .max(1000)
  .refine((value) => !value.includes('\0'), issue('must_not_contain_nul'))
  .optional();
const decided = ['already_approved', 'request_closed', 'request_finished', 'request_rejected'] as const;
const engine = ['workflow_lost'] as const;

const approve = command({
  method: 'post',
  path: '/application/deploy-tasks/{id}/actions/approve/',
  id: 'approveDeployTask',
  area,
  summary: 'Approve a deploy task',
  permission: reviewer,
  body: z
    .strictObject({
      plan_hash: z.string().max(64).optional().describe('of the plan that was reviewed; needed once it has changed'),
      reason,
    })
    .optional(),
  returns: success,
  problems: [
    ...decided,
    ...engine,
    'own_request',
    'changed_request',
    'not_your_vote',
    'not_your_step',
    'group_complete',
    'plan_differs',
    'plan_unnamed',
    'plan_pending',
    'package_unread',
    'seat_taken',
  ],
  async handle({ params, body }, ctx) {
    const voter = await callerAsVoter(ctx, await loadTask(ctx, params.id));
    const input = { actor: ctx.by, voter, planHash: body?.plan_hash, reason: body?.reason };
    await decide(ctx, params.id, approveUpdate, input, (view) => canApprove(view, input));
    return done;
  },
});

const reject = command({
  method: 'post',
  path: '/application/deploy-tasks/{id}/actions/reject/',
  id: 'rejectDeployTask',
  area,
  summary: 'Reject a deploy task',
  permission: reviewer,
  body: z.strictObject({ reason }).optional(),
  returns: success,
  problems: [...decided, ...engine, 'own_request', 'changed_request'],
  async handle({ params, body }, ctx) {
    const input = { actor: ctx.by, reason: body?.reason };
    await decide(ctx, params.id, rejectUpdate, input, (view) => canReject(view, ctx.by));
    return done;
  },
});

/** The owner; with `override` they also need the right to bypass a freeze. */
const starter = permission({
  names: ['deploy_app', 'override_freeze'],
  async check(request) {
    await owner.check(request);
    const { override } = (request.body ?? {}) as { override?: unknown };
    if (override === true) demandSystem(request.ctx, 'override_freeze');
  },
});

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
  async handle({ params, body }, ctx) {
    const { force = false, override = false, break_glass: breaks = false, reason: why } = body ?? {};
    const breakGlass = breaks ? { breakGlass: { roles: ctx.subject.roleIds } } : {};
    const input = { actor: ctx.by, force, override, reason: why, ...breakGlass };
    await decide(ctx, params.id, startUpdate, input, (view) => canStart(view, input, ctx.now()));
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
    permission: owner,
    returns: success,
    problems: [...engine, 'not_running', 'not_rolling', which === 'pause' ? 'already_paused' : 'not_paused'],
    async handle({ params }, ctx) {
      const [update, gate] = which === 'pause' ? [pauseUpdate, canPause] : [resumeUpdate, canResume];
      await decide(ctx, params.id, update, { actor: ctx.by }, (view) => gate(view, ctx.by));
      return done;
    },
  });

const close = command({
  method: 'post',
  path: '/application/deploy-tasks/{id}/actions/close/',
  id: 'closeDeployTask',
  area,
  summary: 'Close a deploy task',
  permission: closer,
  body: z.strictObject({ reason }).optional(),
  returns: success,
  problems: [...engine, 'request_closed', 'request_finished', 'request_rejected', 'sub_task_running'],
  async handle({ params, body }, ctx) {
    const input = { actor: ctx.by, reason: body?.reason };
    await decide(ctx, params.id, closeUpdate, input, canClose);
    return done;
  },
});

const delegate = command({
  method: 'post',
  path: '/application/deploy-tasks/{id}/actions/delegate/',
  id: 'delegateDeployTask',
  area,
  summary: 'Hand the next step of a deploy task to another user',
  permission: delegator,
  body: z.strictObject({ user_id: id }),
  returns: success,
  problems: [...engine, 'request_closed', 'request_finished', 'request_rejected'],
  async handle({ params, body }, ctx) {
    const { user_id: userId } = body;
    const username = await delegateOf(ctx, params.id, userId);
    const input = { actor: ctx.by, userId, username };
    await decide(ctx, params.id, delegateUpdate, input, (view) => canDelegate(view, ctx.by, userId));
    return done;
  },
});

/** Name of the new delegate: enabled, and able to view the application. */
async function delegateOf(ctx: Ctx, taskId: number, userId: number): Promise<string> {
  const unfit = invalidField('user_id', msg('must_be_an_enabled_viewer'));
  const user = await ctx.db
    .selectFrom('users')
    .select(['username', 'status'])
    .where('id', '=', userId)
    .executeTakeFirst();
  const task = await deployTask(ctx.db, taskId);
  if (!task || user?.status !== 'enabled') throw unfit;
  const subject = await loadSubject(ctx.db, userId);
  if ((await mayOn(ctx.db, subject, 'application', 'view_app', task.applicationId)) !== 'yes') throw unfit;
  return user.username;
}

export const actionEndpoints = [approve, reject, start, turn('pause'), turn('resume'), close, delegate];
