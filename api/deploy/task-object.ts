import { z } from 'zod';
import { actionsFor } from '../../db/access/rights.ts';
import { aroundTasks } from '../../db/deploy/task-references.ts';
import type { Surroundings } from '../../db/deploy/task-references.ts';
import { deployView, requestKind } from '../../db/deploy/tasks.ts';
import type { NamedDeployTask } from '../../db/deploy/tasks.ts';
import type { Voter } from '../../workflows/approvals/contract.ts';
import { canApprove, canBreakGlass, canReject, hasEnded } from '../../workflows/approvals/policy.ts';
import { awaitsLooks, expiryOf, missingVotes, requiredVotes } from '../../workflows/approvals/quorum.ts';
import { deployTaskStatuses, levels } from '../../workflows/deploy/contract.ts';
import { waitingOn } from '../../workflows/deploy/policy.ts';
import type { DeployView, WaitingView } from '../../workflows/deploy/policy.ts';
import type { Actor } from '../../workflows/tasks/contract.ts';
import type { Ctx } from '../operations/context.ts';
import { said, saidWaiting } from '../operations/translate.ts';
import { actions, iso, time } from '../operations/schemas.ts';
import { waitingObject } from '../tasks/waiting-object.ts';
import { callerAsVoter } from './access.ts';
import { strategyObject } from './strategy.ts';

/** A deploy task in lists. */
export const taskObject = z.object({
  id: z.int(),
  application: z.object({ id: z.int(), name: z.string(), full_name: z.string() }),
  creator: z.string(),
  owner: z.string(),
  version: z.string(),
  description: z.string(),
  level: z.enum(levels),
  package_source: z.string(),
  planned_exec_time: time,
  upgrade_checklist: z.string(),
  upgrade_steps: z.string(),
  rollback_steps: z.string(),
  auto_start: z.boolean(),
  strategy: strategyObject,
  status: z.enum(deployTaskStatuses),
  paused: z.boolean(),
  held_by: z.int().nullable(),
  error: z.string().nullable(),
  reviewed_later: z.boolean(),
  plan_hash: z.string().nullable(),
  waiting_on: waitingObject,
  approvals: z.object({
    required: z.int(),
    given: z.array(z.object({ user: z.string(), time, plan_hash: z.string().nullable(), channel: z.string() })),
    missing: z.string(),
  }),
  progress: z.object({
    instances: z.int(),
    on_version: z.int(),
    failed: z.int(),
    sub_tasks_running: z.int(),
  }),
  created_time: time,
  started_time: time.nullable(),
  finished_time: time.nullable(),
  available_actions: actions(
    'edit',
    'approve',
    'reject',
    'start',
    'pause',
    'resume',
    'close',
    'delegate',
    'upgrade',
    'revert',
  ),
});

export const taskDetail = taskObject.extend({
  delegations: z.array(z.object({ from: z.string(), to: z.string(), time, phase: z.enum(['review', 'ownership']) })),
  history: z.array(
    z.object({ event: z.string(), by: z.string(), time, reason: z.string().nullable(), channel: z.string() }),
  ),
});

type TaskItem = z.input<typeof taskObject>;

/** A page of deploy tasks; related data is read once for the whole page. */
export async function presentTasks(tasks: NamedDeployTask[], ctx: Ctx): Promise<TaskItem[]> {
  const { userId } = ctx.subject;
  const applications = [...new Set(tasks.map(({ applicationId }) => applicationId))];
  const [around, rights] = await Promise.all([
    aroundTasks(
      ctx.db,
      tasks.map(({ id }) => id),
      userId,
      ctx.config.hostAdmission,
    ),
    actionsFor(ctx.db, ctx.subject, 'application', applications),
  ]);
  const delegated = new Map<number, Voter>();
  for (const task of tasks)
    if (around.get(task.id)?.delegators.length) delegated.set(task.id, await callerAsVoter(ctx, task));
  return tasks.map((task) => {
    const seen = around.get(task.id) ?? nothingAround;
    const held = rights.get(task.applicationId) ?? new Set();
    const voter = delegated.get(task.id) ?? ownVoter(ctx.subject, held.has('review_app_deploy_task'));
    return presentTask(task, seen, { deploys: held.has('deploy_app'), voter }, ctx);
  });
}

/** The caller as a voter without delegations. */
const ownVoter = ({ userId, roleIds: roles }: Ctx['subject'], holds: boolean): Voter => ({
  roles,
  holds,
  delegators: [],
  seats: holds ? [{ userId, roles }] : [],
});

const nothingAround: Surroundings = {
  votes: [],
  runningSubTasks: [],
  inFront: null,
  instances: 0,
  onVersion: 0,
  failed: 0,
  delegators: [],
  reviewers: [],
  unadmitted: null,
};

interface Rights {
  deploys: boolean;
  voter: Voter;
}

function presentTask(task: NamedDeployTask, seen: Surroundings, rights: Rights, ctx: Ctx): TaskItem {
  const { votes, runningSubTasks: subTasks, instances, onVersion, failed } = seen;
  const view = deployView(task, votes, subTasks);
  const missing = task.status === 'wait_review' || awaitsLooks(view) ? missingVotes(view) : null;
  return {
    id: task.id,
    application: { id: task.applicationId, name: task.applicationName, full_name: task.fullName },
    creator: task.creator,
    owner: task.owner,
    version: task.version,
    description: task.description,
    level: task.level,
    package_source: task.packageSource,
    planned_exec_time: iso(task.plannedExecTime),
    upgrade_checklist: task.upgradeChecklist,
    upgrade_steps: task.upgradeSteps,
    rollback_steps: task.rollbackSteps,
    auto_start: task.autoStart,
    strategy: task.strategy ?? { mode: 'manual' },
    status: task.status,
    paused: task.paused,
    held_by: task.heldBy,
    error: task.error ?? task.trouble,
    reviewed_later: task.brokeGlassById !== null,
    plan_hash: task.planHash,
    waiting_on: saidWaiting(ctx, waitingOn(waitingView(task, view, seen), ctx.now())),
    approvals: {
      required: requiredVotes(view.policy),
      given: votes.map((vote) => ({
        user: vote.user,
        time: iso(vote.time),
        plan_hash: vote.planHash,
        channel: vote.channel,
      })),
      missing: missing ? said(ctx, missing) : '',
    },
    progress: { instances, on_version: onVersion, failed, sub_tasks_running: subTasks.length },
    created_time: iso(task.createdTime),
    started_time: iso(task.startedTime),
    finished_time: iso(task.finishedTime),
    available_actions: availableActions(task, view, ctx.by, rights),
  };
}

const waitingView = (
  task: NamedDeployTask,
  view: DeployView,
  { inFront, reviewers, unadmitted }: Surroundings,
): WaitingView => ({
  ...view,
  reviewers,
  unadmitted,
  expires: expiryOf(view.policy, iso(task.reviewSince ?? task.createdTime)),
  creator: task.creator,
  owner: task.owner,
  engineError: task.error,
  autoStart: task.autoStart,
  inFront,
  heldUntil: task.heldUntil,
  trouble: task.trouble,
  nextBatchTime: task.nextBatchTime,
});

function availableActions(
  task: NamedDeployTask,
  view: DeployView,
  by: Actor,
  { deploys, voter }: Rights,
): TaskItem['available_actions'] {
  const isCreator = task.creatorId === by.id;
  const isOwner = task.ownerId === by.id;
  const reviews = voter.holds || voter.delegators.length > 0;
  const inReview = task.status === 'wait_review';
  const works = task.status === 'running' && isOwner && deploys;
  const startable = task.status === 'approved' || (inReview && canBreakGlass(view, voter.roles) === undefined);
  const free = !hasEnded(task.status) && view.runningSubTasks.length === 0;
  return {
    edit: inReview && isCreator && deploys,
    approve: canApprove(view, { actor: by, voter, planHash: view.planHash ?? undefined }) === undefined,
    reject: reviews && canReject(view, by) === undefined,
    start: startable && isOwner && deploys,
    pause: works && task.strategy !== null && !task.paused,
    resume: works && task.strategy !== null && task.paused,
    close: free && (isCreator || isOwner || reviews),
    delegate: !hasEnded(task.status) && (inReview ? voter.holds : isOwner && deploys),
    upgrade: works,
    revert: works,
  };
}

/** One deploy task with its delegations and history. */
export async function presentTaskDetail(task: NamedDeployTask, ctx: Ctx): Promise<z.input<typeof taskDetail>> {
  const [item] = await presentTasks([task], ctx);
  if (!item) throw new Error('a task was presented as none');
  const delegations = await ctx.db
    .selectFrom('delegations')
    .innerJoin('users as from', 'from.id', 'delegations.fromId')
    .innerJoin('users as to', 'to.id', 'delegations.toId')
    .select(['from.username as from', 'to.username as to', 'delegations.time', 'delegations.phase'])
    .where('kind', '=', requestKind)
    .where('requestId', '=', task.id)
    .orderBy('delegations.id')
    .execute();
  const history = await ctx.db
    .selectFrom('requestEvents')
    .select(['event', 'by', 'time', 'reason', 'channel'])
    .where('kind', '=', requestKind)
    .where('requestId', '=', task.id)
    .orderBy('id')
    .execute();
  return {
    ...item,
    delegations: delegations.map((one) => ({ ...one, time: iso(one.time) })),
    history: history.map((one) => ({ ...one, time: iso(one.time) })),
  };
}
