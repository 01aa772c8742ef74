// Who may decide what, and when: pure functions, used by the API to refuse early and by the workflow, which decides.
import { Problem } from '../problems/problem.ts';
import type { Actor } from '../tasks/contract.ts';
import { approvingPermissions, decisions, endedStatuses } from './contract.ts';
import type {
  ApprovalView,
  ApproveInput,
  DecideAttempt,
  DecideInput,
  RequestKind,
  RequestStatus,
  Voter,
  CastVote,
} from './contract.ts';
import { awaitsLooks, isSatisfied, looksAgain, missingVotes, standing, worthOf } from './quorum.ts';

/** The documented code of an ended request (30002 closed, 30003 finished or failed, 30004 rejected). */
export function endedProblem(status: RequestStatus, kind: RequestKind = 'deploy_task'): Problem | undefined {
  const isTask = kind === 'deploy_task';
  switch (status) {
    case 'closed':
      return new Problem(isTask ? 'request_closed' : 'resource_closed');
    case 'finished':
    case 'failed':
      return new Problem(isTask ? 'request_finished' : 'resource_finished');
    case 'rejected':
      return new Problem(isTask ? 'request_rejected' : 'resource_rejected');
    case 'wait_review':
    case 'approved':
    case 'running':
      return undefined;
  }
}

const inReview = (view: ApprovalView): Problem | undefined =>
  endedProblem(view.status, view.kind) ?? (view.status === 'wait_review' ? undefined : approvedProblem(view));

const approvedProblem = ({ kind }: Pick<ApprovalView, 'kind'>): Problem =>
  new Problem(kind === 'deploy_task' ? 'already_approved' : 'resource_approved');

/** Creators and changers do not approve their own requests, unless the policy allows it. */
function fourEyes({ policy, creatorId, changedById }: ApprovalView, actor: Actor): Problem | undefined {
  if (policy.creatorMayVote) return undefined;
  if (actor.id === creatorId) return new Problem('own_request');
  return actor.id === changedById ? new Problem('changed_request') : undefined;
}

/** For requests without a voter, from before policies: the API had checked the permission. */
const holding: Voter = { roles: [], holds: true, delegators: [] };

/** Whether a user may vote on a request at all; whether their vote counts is decided by the policy. */
export const mayReview = ({ holds, delegators }: Voter): boolean => holds || delegators.length > 0;

/** A vote is bound to a plan, so it requires a finished plan. */
export function canApprove(view: ApprovalView, input: ApproveInput): Problem | undefined {
  const { actor, planHash, voter = holding } = input;
  const looks = awaitsLooks(view);
  const refused = looks ? canLook(view, actor) : (fourEyes(view, actor) ?? inReview(view));
  if (refused) return refused;
  if (view.votes.some(({ userId }) => userId === actor.id)) return approvedProblem(view);
  // Otherwise the vote could count for a plan that the voter never saw.
  if (planHash === undefined && view.planHash !== null && view.planRound > 1) {
    return new Problem('plan_unnamed', { present: view.planHash });
  }
  if (planHash !== undefined && view.planHash !== null && planHash !== view.planHash) {
    return new Problem('plan_differs', { present: view.planHash });
  }
  if (!mayReview(voter)) return new Problem('not_allowed', { permission: approvingPermissions[view.kind] });
  if (view.unread != null) return new Problem('package_unread', { reason: view.unread });
  if (!looks) return uncounted(view, actor, voter);
  const isNew = voter.seats === undefined || looksAgain(view, { userId: actor.id, voter });
  return isNew ? undefined : new Problem('seat_taken', { missing: missingVotes(view) ?? '' });
}

/** A start without approval is reviewed by people other than its creator and starter. */
const canLook = ({ creatorId, brokeGlassById }: ApprovalView, { id }: Actor): Problem | undefined =>
  id === creatorId || id === brokeGlassById ? new Problem('own_request') : undefined;

/** Returns why a vote would count in no group of the open step. */
function uncounted(view: ApprovalView, actor: Actor, voter: Voter): Problem | undefined {
  const missing = missingVotes(view) ?? '';
  switch (worthOf(view, actor.id, voter)) {
    case 'counts':
      return undefined;
    case 'later step':
      return new Problem('not_your_step', { step: standing(view).step + 1, steps: view.policy.steps.length, missing });
    case 'seat taken':
      return new Problem('seat_taken', { missing });
    case 'group complete':
      return new Problem('group_complete', { missing });
    case 'no group':
      return new Problem('not_your_vote', { policy: view.policy.name, missing });
  }
}

export const canReject = (view: ApprovalView, actor: Actor): Problem | undefined =>
  fourEyes(view, actor) ?? inReview(view);

export const canChange = (view: ApprovalView, actor: Actor): Problem | undefined => {
  if (actor.id !== view.creatorId) return new Problem('not_allowed', { permission: 'creator' });
  if (view.status === 'wait_review') return undefined;
  const problem = view.kind === 'deploy_task' ? 'not_in_review' : 'resource_not_in_review';
  return new Problem(problem, { status: view.status });
};

/** The part of a request that decides who may do something with it. */
type Asked = Pick<ApprovalView, 'kind' | 'status' | 'creatorId' | 'ownerId'>;

/** One thing that people do with a request. */
export interface RequestAction<View, Who> {
  /** Returns the name of the permission that this person lacks for it; null: they lack nothing. */
  lacks(request: Asked, who: Who): string | null;
  /** Returns why it cannot be done now. */
  refuses(view: View, who: Who, now: Date): Problem | undefined;
}

/** The actions that this person may take now. */
export const availableActions = <Name extends string, View extends Asked, Who>(
  actions: Readonly<Record<Name, RequestAction<View, Who>>>,
  view: View,
  who: Who,
  now: Date,
): Record<Name, boolean> =>
  Object.fromEntries(
    Object.entries<RequestAction<View, Who>>(actions).map(([name, { lacks, refuses }]) => [
      name,
      lacks(view, who) === null && refuses(view, who, now) === undefined,
    ]),
  ) as Record<Name, boolean>;

/** Whether this vote completes the approval. */
export const satisfiedBy = (view: ApprovalView, vote: CastVote): boolean =>
  isSatisfied({ ...view, votes: [...view.votes, vote] });

/** A start without approval requires a reason, and the role named by the policy. */
export function canBreakGlass({ policy }: ApprovalView, roles: readonly number[]): Problem | undefined {
  const { breakGlass } = policy;
  if (!breakGlass) return new Problem('no_break_glass', { policy: policy.name });
  return roles.includes(breakGlass.id)
    ? undefined
    : new Problem('not_allowed', { permission: `role ${breakGlass.name}` });
}

export const hasEnded = (status: RequestStatus): boolean => endedStatuses.includes(status);

const longestText = 1000;

/** Parses an unvalidated signal. Without `decide` it is not a decision: its readable parts are for the audit record only. */
export function readDecide(given: unknown): { attempt: DecideAttempt; decide?: DecideInput; proof?: string } {
  const fields = typeof given === 'object' && given !== null ? (given as Record<string, unknown>) : {};
  const text = (name: string): string => {
    const value = fields[name];
    return typeof value === 'string' ? value.slice(0, longestText).toWellFormed().replaceAll('\0', '\u{fffd}') : '';
  };
  const attempt = {
    decision: text('decision'),
    actor: text('actor'),
    channel: text('channel'),
    messageId: text('messageId'),
  };
  const decision = decisions.find((name) => name === attempt.decision);
  const { reason } = fields;
  const readable = typeof reason === 'string' || reason === undefined || reason === null;
  if (!decision || !attempt.actor || !attempt.messageId || !readable) return { attempt };
  const planHash = text('planHash');
  return {
    attempt,
    proof: text('proof'),
    decide: {
      ...attempt,
      decision,
      ...(typeof reason === 'string' && { reason: text('reason') }),
      ...(planHash !== '' && { planHash }),
    },
  };
}
