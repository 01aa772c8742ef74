// Who may decide what, and when: pure, asked by the API (to refuse early) and by the workflow (which decides).
import { Problem } from '../problem.ts';
import type { Actor } from '../tasks.ts';
import { decisions, endedStatuses } from './contract.ts';
import type { ApprovalView, ApproveInput, DecideAttempt, DecideInput, RequestStatus } from './contract.ts';

/** The documented code of an ended request (30002 closed, 30003 finished or failed, 30004 rejected). */
export function endedProblem(status: RequestStatus): Problem | undefined {
  switch (status) {
    case 'closed':
      return new Problem('request_closed');
    case 'finished':
    case 'failed':
      return new Problem('request_finished');
    case 'rejected':
      return new Problem('request_rejected');
    case 'wait_review':
    case 'approved':
    case 'running':
      return undefined;
  }
}

const inReview = (view: ApprovalView): Problem | undefined =>
  endedProblem(view.status) ?? (view.status === 'wait_review' ? undefined : new Problem('already_approved'));

const fourEyes = (view: ApprovalView, actor: Actor): Problem | undefined =>
  actor.id === view.creatorId ? new Problem('own_request') : undefined;

/** A vote is bound to the plan it was given to, so without a finished plan there is nothing to vote on. */
export function canApprove(view: ApprovalView, { actor, planHash }: ApproveInput): Problem | undefined {
  const refused = fourEyes(view, actor) ?? inReview(view);
  if (refused) return refused;
  if (view.votes.some(({ userId }) => userId === actor.id)) return new Problem('already_approved');
  if (planHash !== undefined && view.planHash !== null && planHash !== view.planHash) {
    return new Problem('plan_differs', { present: view.planHash });
  }
  return undefined;
}

export const canReject = (view: ApprovalView, actor: Actor): Problem | undefined =>
  fourEyes(view, actor) ?? inReview(view);

export const canChange = (view: ApprovalView, actor: Actor): Problem | undefined => {
  if (actor.id !== view.creatorId) return new Problem('not_allowed', { permission: 'creator' });
  return view.status === 'wait_review' ? undefined : new Problem('not_in_review', { status: view.status });
};

/** Whether this vote is the one that is still missing. */
export const satisfiedBy = (view: ApprovalView, moreVotes: number): boolean =>
  view.votes.length + moreVotes >= view.requiredApprovals;

export const hasEnded = (status: RequestStatus): boolean => endedStatuses.includes(status);

const longestText = 1000;

/**
 * A message that came as a signal, which nobody has validated before. Without `decide` it is no decision: what could be
 * read of it is for the audit record alone.
 */
export function readDecide(given: unknown): { attempt: DecideAttempt; decide?: DecideInput } {
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
  return { attempt, decide: { ...attempt, decision, ...(typeof reason === 'string' && { reason: text('reason') }) } };
}
