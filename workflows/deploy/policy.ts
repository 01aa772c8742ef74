// When a deploy task may start, begin a sub-task, be closed or delegated: pure functions, shared by API and workflow.
import {
  canApprove,
  canBreakGlass,
  canChange,
  canReject,
  endedProblem,
  hasEnded,
  mayReview,
} from '../approvals/policy.ts';
import type { RequestAction } from '../approvals/policy.ts';
import { awaitsLooks } from '../approvals/quorum.ts';
import { waitingOnSomething as on, waitsForVotes } from '../approvals/waiting.ts';
import { approvingPermissions } from '../approvals/contract.ts';
import type { ApprovalView, Voter } from '../approvals/contract.ts';
import { messageOf, Problem, say } from '../problems/problem.ts';
import type { Reason } from '../problems/problem.ts';
import type { Actor, WaitingOn } from '../tasks/contract.ts';
import type { StartInput } from './contract.ts';

export interface DeployView extends ApprovalView {
  plannedExecTime: Date;
  version: string;
  /** Task ids of the running sub-tasks. */
  runningSubTasks: readonly number[];
  /** It has a rolling strategy. */
  rolling: boolean;
  /** The freeze that holds it. */
  heldBy: number | null;
  paused: boolean;
}

const ownerOnly = (view: ApprovalView, actor: Actor): Problem | undefined =>
  actor.id === view.ownerId ? undefined : new Problem('not_allowed', { permission: 'owner' });

/** `now` is the workflow's clock inside the workflow and the process's clock in the API. */
export function canStart(
  view: DeployView,
  { actor, force, override = false, breakGlass }: Pick<StartInput, 'actor' | 'force' | 'override' | 'breakGlass'>,
  now: Date,
): Problem | undefined {
  const refused = ownerOnly(view, actor) ?? endedProblem(view.status);
  if (refused) return refused;
  if (view.status === 'running') return new Problem('already_started');
  if (view.status === 'wait_review') {
    return breakGlass ? canBreakGlass(view, breakGlass.roles) : new Problem('not_approved_yet');
  }
  if (view.heldBy !== null && !override) return new Problem('already_started');
  if (!force && now < view.plannedExecTime) {
    return new Problem('before_planned_time', { time: view.plannedExecTime.toISOString() });
  }
  return undefined;
}

export function canClose(view: DeployView): Problem | undefined {
  const [running] = view.runningSubTasks;
  return endedProblem(view.status) ?? (running ? new Problem('sub_task_running', { id: running }) : undefined);
}

/** Reviewers delegate during review, the owner afterwards. */
const canHandOn = (view: ApprovalView, actor: Actor): Problem | undefined =>
  endedProblem(view.status) ?? (view.status === 'wait_review' ? undefined : ownerOnly(view, actor));

export function canDelegate(view: DeployView, actor: Actor, toId: number): Problem | undefined {
  const refused = canHandOn(view, actor);
  if (refused) return refused;
  const unfit = toId === actor.id || (view.status === 'wait_review' && toId === view.creatorId);
  return unfit ? new Problem('invalid', {}, [{ field: 'user_id', message: say('must_be_somebody_else') }]) : undefined;
}

export function canRunSubTask(view: DeployView, actor: Actor, version: string | null): Problem | undefined {
  const refused = ownerOnly(view, actor);
  if (refused) return refused;
  if (view.status !== 'running') return new Problem('not_running', { status: view.status });
  return version !== null && version !== view.version
    ? new Problem('version_differs', { version: view.version })
    : undefined;
}

const rollingOnly = (view: DeployView, actor: Actor): Problem | undefined => {
  const refused = ownerOnly(view, actor);
  if (refused) return refused;
  if (view.status !== 'running') return new Problem('not_running', { status: view.status });
  return view.rolling ? undefined : new Problem('not_rolling');
};

export const canPause = (view: DeployView, actor: Actor): Problem | undefined =>
  rollingOnly(view, actor) ?? (view.paused ? new Problem('already_paused') : undefined);

export const canResume = (view: DeployView, actor: Actor): Problem | undefined =>
  rollingOnly(view, actor) ?? (view.paused ? undefined : new Problem('not_paused'));

/** A user and their present rights on the task's application. */
export interface DeployUser {
  actor: Actor;
  deploys: boolean;
  voter: Voter;
}

type DeployAction = RequestAction<DeployView, DeployUser>;
type Lacks = DeployAction['lacks'];

const review = approvingPermissions.deploy_task;
const asCreator: Lacks = ({ creatorId }, { actor, deploys }) =>
  !deploys ? 'deploy_app' : actor.id === creatorId ? null : 'creator';
const asOwner: Lacks = ({ ownerId }, { actor, deploys }) =>
  !deploys ? 'deploy_app' : actor.id === ownerId ? null : 'owner';
const asReviewer: Lacks = (_view, { voter }) => (mayReview(voter) ? null : review);
const asCloser: Lacks = (view, who) =>
  who.actor.id === view.creatorId || who.actor.id === view.ownerId ? null : asReviewer(view, who);
/** Delegating requires the right itself. */
const asDelegator: Lacks = (view, who) => {
  if (view.status === 'wait_review') return who.voter.holds ? null : review;
  return who.actor.id === view.ownerId ? asOwner(view, who) : 'owner';
};

/** Who may do what with a deploy task, and when: read by the permissions of the API and by `available_actions`. */
export const deployActions = {
  edit: { lacks: asCreator, refuses: (view, { actor }) => canChange(view, actor) },
  approve: {
    lacks: asReviewer,
    refuses: (view, { actor, voter }) => canApprove(view, { actor, voter, planHash: view.planHash ?? undefined }),
  },
  reject: { lacks: asReviewer, refuses: (view, { actor }) => canReject(view, actor) },
  start: {
    lacks: asOwner,
    refuses: (view, { actor, voter }, now) =>
      canStart(view, { actor, force: true, override: true, breakGlass: { roles: voter.roles } }, now),
  },
  pause: { lacks: asOwner, refuses: (view, { actor }) => canPause(view, actor) },
  resume: { lacks: asOwner, refuses: (view, { actor }) => canResume(view, actor) },
  close: { lacks: asCloser, refuses: (view) => canClose(view) },
  delegate: { lacks: asDelegator, refuses: (view, { actor }) => canHandOn(view, actor) },
  upgrade: { lacks: asOwner, refuses: (view, { actor }) => canRunSubTask(view, actor, null) },
  revert: { lacks: asOwner, refuses: (view, { actor }) => canRunSubTask(view, actor, null) },
} as const satisfies Record<string, DeployAction>;

export interface WaitingView extends DeployView {
  creator: string;
  owner: string;
  /** Some of the users whose votes are missing, if known. */
  reviewers: string[];
  /** When it is closed if undecided; ISO 8601. */
  expires: string | null;
  /** Why the plan is missing, if it is. */
  engineError: string | null;
  autoStart: boolean;
  /** End of the freeze that holds it. */
  heldUntil: Date | null;
  /** Another running task of the application. */
  inFront: number | null;
  trouble: Reason | null;
  nextBatchTime: Date | null;
  /** A host of its instances that is not admitted, if known. */
  unadmitted?: string | null;
}

/** Why a deploy task is waiting, in one sentence, and who can proceed; null once it has ended. */
export function waitingOn(view: WaitingView, now: Date): WaitingOn | null {
  const looks = awaitsLooks(view);
  if (hasEnded(view.status) && !looks) return null;
  if (view.engineError) return on('engine', view.engineError);
  if (view.status === 'wait_review' && view.planHash === null) return on('engine', say('plan_is_being_made'));
  const unread = waitsForPackage(view);
  if (unread) return unread;
  if (view.status === 'wait_review' || looks) return waitsForVotes(view, looks);
  const admission = waitsForAdmission(view);
  if (admission) return admission;
  return view.status === 'approved' ? waitsToStart(view, now) : waitsInRun(view);
}

/** It proceeds automatically once the package is readable: in review, with another round of votes. */
function waitsForPackage({ status, planHash, unread, creator }: WaitingView): WaitingOn | undefined {
  if (unread == null || planHash === null || (status !== 'wait_review' && status !== 'approved')) return undefined;
  return on('package', say('waits_for_package', { reason: unread, creator }), [creator]);
}

/** Running sub-tasks continue as far as possible. */
function waitsForAdmission({ unadmitted, runningSubTasks }: WaitingView): WaitingOn | undefined {
  if (unadmitted == null || runningSubTasks.length > 0) return undefined;
  return on('admission', say('host_to_admit', { name: unadmitted }));
}

function waitsToStart(view: WaitingView, now: Date): WaitingOn {
  const { owner, plannedExecTime: planned, autoStart } = view;
  if (view.heldBy !== null) {
    const { id, time } = heldBy(view);
    const text =
      time === null ? say('held_before_start', { id, owner }) : say('held_before_start_until', { id, time, owner });
    return on('freeze', text, [owner], view.heldUntil);
  }
  if (now < planned) {
    const at = { time: planned.toISOString(), owner };
    return on('planned_time', autoStart ? say('planned_auto_start', at) : say('planned_for', at), [owner], planned);
  }
  if (!autoStart) return on('start', say('owner_can_start', { owner }), [owner]);
  return on('start', view.inFront === null ? say('starts_by_itself') : say('starts_after_task', { id: view.inFront }));
}

function waitsInRun(view: WaitingView): WaitingOn {
  const { owner, runningSubTasks: running } = view;
  if (running.length > 0)
    return on('sub_tasks', say('sub_task_is_running', { n: running.length, ids: running.join(', ') }));
  if (!view.rolling) return on('sub_tasks', say('can_run_sub_tasks', { owner }), [owner]);
  if (view.paused) {
    const { trouble } = view;
    const text =
      trouble === null
        ? say('paused_by_owner', { owner })
        : say('paused_because', { reason: messageOf(trouble), owner });
    return on('paused', text, [owner]);
  }
  if (view.heldBy !== null) {
    const { id, time } = heldBy(view);
    const text =
      time === null ? say('held_in_rollout', { id, owner }) : say('held_in_rollout_until', { id, time, owner });
    return on('freeze', text, [owner], view.heldUntil);
  }
  return on('next_batch', say('next_batch_comes', { owner }), [owner], view.nextBatchTime);
}

const heldBy = ({ heldBy: id, heldUntil }: WaitingView) => ({ id: id ?? '', time: heldUntil?.toISOString() ?? null });
