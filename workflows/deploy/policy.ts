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
import type { Action } from '../approvals/policy.ts';
import { awaitsLooks } from '../approvals/quorum.ts';
import { waitingOnSomething as on, waitsForVotes } from '../approvals/waiting.ts';
import { approvingPermissions } from '../approvals/contract.ts';
import type { ApprovalView, Voter } from '../approvals/contract.ts';
import { Problem } from '../problems/problem.ts';
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
  return unfit
    ? new Problem('invalid', {}, [{ field: 'user_id', message: 'must be somebody other than you or the creator' }])
    : undefined;
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

type DeployAction = Action<DeployView, DeployUser>;
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
  trouble: string | null;
  nextBatchTime: Date | null;
  /** A host of its instances that is not admitted, if known. */
  unadmitted?: string | null;
}

/** Why a deploy task is waiting, in one sentence, and who can proceed; null once it has ended. */
export function waitingOn(view: WaitingView, now: Date): WaitingOn | null {
  const looks = awaitsLooks(view);
  if (hasEnded(view.status) && !looks) return null;
  if (view.engineError) return on('engine', view.engineError);
  if (view.status === 'wait_review' && view.planHash === null) return on('engine', 'its plan is being made');
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
  return on('package', `its package cannot be read: ${unread}; ${creator} can put it there, or change the task`, [
    creator,
  ]);
}

/** Running sub-tasks continue as far as possible. */
function waitsForAdmission({ unadmitted, runningSubTasks }: WaitingView): WaitingOn | undefined {
  if (unadmitted == null || runningSubTasks.length > 0) return undefined;
  return on('admission', `host ${unadmitted} has to be admitted by somebody who holds manage_host`);
}

function waitsToStart(view: WaitingView, now: Date): WaitingOn {
  const { owner, plannedExecTime: planned, autoStart } = view;
  if (view.heldBy !== null) {
    const override = `${owner} may start it before with override and a reason, holding override_freeze`;
    return on('freeze', `${heldText(view)}, then it starts by itself; ${override}`, [owner], view.heldUntil);
  }
  if (now < planned) {
    const self = autoStart ? ', when it starts by itself' : '';
    const text = `planned for ${planned.toISOString()}${self}; ${owner} may start it earlier with force`;
    return on('planned_time', text, [owner], planned);
  }
  if (!autoStart) return on('start', `${owner} can start it`, [owner]);
  return on('start', view.inFront === null ? 'it starts by itself' : `it starts by itself after task ${view.inFront}`);
}

function waitsInRun(view: WaitingView): WaitingOn {
  const { owner, runningSubTasks: running } = view;
  if (running.length > 0) return on('sub_tasks', `sub-task ${running.join(', ')} is running`);
  if (!view.rolling) return on('sub_tasks', `${owner} can upgrade or revert instances, or close it`, [owner]);
  if (view.paused) {
    const why = view.trouble === null ? '' : ` (${view.trouble})`;
    return on('paused', `paused${why}; ${owner} can resume it, upgrade or revert instances, or close it`, [owner]);
  }
  if (view.heldBy !== null) {
    return on(
      'freeze',
      `${heldText(view)}, then its next batch begins; ${owner} can close it`,
      [owner],
      view.heldUntil,
    );
  }
  return on(
    'next_batch',
    `its next batch begins by itself; ${owner} can pause or close it`,
    [owner],
    view.nextBatchTime,
  );
}

const heldText = ({ heldBy, heldUntil }: WaitingView): string =>
  `held by freeze ${heldBy ?? ''}${heldUntil ? ` until ${heldUntil.toISOString()}` : ''}`;
