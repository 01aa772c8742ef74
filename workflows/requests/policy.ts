// When a resource request may be closed, changed or tried again, and by whom: pure functions, shared by API and workflow.
import { approvingPermissions } from '../approvals/contract.ts';
import type { ApprovalView, Voter } from '../approvals/contract.ts';
import { canApprove, canChange, canReject, endedProblem, hasEnded, mayReview } from '../approvals/policy.ts';
import type { RequestAction } from '../approvals/policy.ts';
import { waitingOnSomething, waitsForVotes } from '../approvals/waiting.ts';
import { messageOf, Problem, say } from '../problems/problem.ts';
import type { Reason } from '../problems/problem.ts';
import type { Actor, WaitingOn } from '../tasks/contract.ts';

export interface ResourceView extends ApprovalView {
  /** It has begun to change something outside, and not taken all of it back. */
  fulfilling: boolean;
  /** Why the fulfilment stands still; null: it does not. */
  trouble: Reason | null;
}

export const canCloseResource = (view: ResourceView): Problem | undefined =>
  endedProblem(view.status, view.kind) ?? (view.fulfilling ? new Problem('request_fulfilling') : undefined);

export function canRetry(view: ResourceView): Problem | undefined {
  if (view.status !== 'approved') return new Problem('not_approved', { status: view.status });
  return view.trouble === null ? new Problem('no_failure') : undefined;
}

/** A user as a voter on the request. */
interface ResourceUser {
  actor: Actor;
  voter: Voter;
}

type ResourceAction = RequestAction<ResourceView, ResourceUser>;

const asCreator: ResourceAction['lacks'] = ({ creatorId }, { actor }) => (actor.id === creatorId ? null : 'creator');
const asApprover: ResourceAction['lacks'] = ({ kind }, { voter }) =>
  mayReview(voter) ? null : approvingPermissions[kind];
const asCreatorOrApprover: ResourceAction['lacks'] = (request, user) =>
  asCreator(request, user) === null ? null : asApprover(request, user);

/** Who may do what with a resource request, and when. */
export const resourceActions = {
  edit: { lacks: asCreator, refuses: (view, { actor }) => canChange(view, actor) },
  approve: {
    lacks: asApprover,
    refuses: (view, { actor, voter }) => canApprove(view, { actor, voter, planHash: view.planHash ?? undefined }),
  },
  reject: { lacks: asApprover, refuses: (view, { actor }) => canReject(view, actor) },
  close: { lacks: asCreatorOrApprover, refuses: (view) => canCloseResource(view) },
  retry: { lacks: asApprover, refuses: (view) => canRetry(view) },
} as const satisfies Record<string, ResourceAction>;

interface ResourceWaiting extends ResourceView {
  creator: string;
  /** Some of the users whose votes are missing, if known. */
  reviewers: string[];
  /** When it is closed if undecided; ISO 8601. */
  expires: string | null;
  engineError: string | null;
}

/** Why a resource request is waiting, in one sentence, and who can proceed; null once it has ended. */
export function resourceWaitingOn(view: ResourceWaiting): WaitingOn | null {
  if (hasEnded(view.status)) return null;
  if (view.engineError !== null) return waitingOnSomething('engine', view.engineError);
  if (view.status === 'wait_review' && view.planHash === null) {
    return waitingOnSomething('engine', say('plan_is_being_made'));
  }
  if (view.status === 'wait_review') return waitsForVotes(view, false);
  const permission = approvingPermissions[view.kind];
  return view.trouble === null
    ? waitingOnSomething('provider', say('is_being_fulfilled'))
    : waitingOnSomething('provider', say('stands_still', { reason: messageOf(view.trouble), permission }));
}
