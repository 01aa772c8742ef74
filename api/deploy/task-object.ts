import { z } from 'zod';
import { actionsFor } from '../../db/access/rights.ts';
import { aroundTasks } from '../../db/deploy/task-references.ts';
import type { Surroundings } from '../../db/deploy/task-references.ts';
import { delegationsOf, eventsOf } from '../../db/approvals/votes.ts';
import { deployTable, deployView } from '../../db/deploy/tasks.ts';
import type { NamedDeployTask } from '../../db/deploy/tasks.ts';
import type { Voter } from '../../workflows/approvals/contract.ts';
import { availableActions } from '../../workflows/approvals/policy.ts';
import { awaitsLooks, expiryOf, missingVotes, requiredVotes } from '../../workflows/approvals/quorum.ts';
import { deployTaskStatuses, levels } from '../../workflows/deploy/contract.ts';
import { deployActions, waitingOn } from '../../workflows/deploy/policy.ts';
import type { DeployUser, DeployView, WaitingView } from '../../workflows/deploy/policy.ts';
import type { Ctx } from '../operations/context.ts';
import { said, saidWaiting } from '../operations/translate.ts';
import { actions, iso, time } from '../operations/schemas.ts';
import { waitingObject } from '../tasks/waiting-object.ts';
import {
  approvalsObject,
  historyObject,
  ownVoter,
  presentApprovals,
  withIsoTime,
} from '../approvals/request-object.ts';
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
  approvals: approvalsObject,
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
  history: historyObject,
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
    return presentTask(task, seen, { actor: ctx.by, deploys: held.has('deploy_app'), voter }, ctx);
  });
}

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

function presentTask(task: NamedDeployTask, seen: Surroundings, user: DeployUser, ctx: Ctx): TaskItem {
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
    approvals: presentApprovals(requiredVotes(view.policy), votes, missing ? said(ctx, missing) : ''),
    progress: { instances, on_version: onVersion, failed, sub_tasks_running: subTasks.length },
    created_time: iso(task.createdTime),
    started_time: iso(task.startedTime),
    finished_time: iso(task.finishedTime),
    available_actions: availableActions(deployActions, view, user, ctx.now()),
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

/** One deploy task with its delegations and history. */
export async function presentTaskDetail(task: NamedDeployTask, ctx: Ctx): Promise<z.input<typeof taskDetail>> {
  const [item] = await presentTasks([task], ctx);
  if (!item) throw new Error('a task was presented as none');
  const { kind } = deployTable;
  const [delegations, history] = await Promise.all([
    delegationsOf(ctx.db, kind, task.id),
    eventsOf(ctx.db, kind, task.id),
  ]);
  return {
    ...item,
    delegations: withIsoTime(delegations),
    history: withIsoTime(history),
  };
}
