// The engine's state of a request, and the effect of transitions on it. Pure, so that the record can be computed before the
// state changes.
import type { ApprovalPolicy, ApprovalView, Person, RequestKind, RequestState, RequestStatus } from './contract.ts';
import type { OpenTo, UpdateClaim, Vote, Voter } from './contract.ts';
import type { Actor } from '../tasks/contract.ts';
import { openTo, requiredVotes } from './quorum.ts';
import type { Reason } from '../problems/problem.ts';

/** State carried over continue-as-new. */
export interface CarriedApproval {
  status: RequestStatus;
  owner: Person;
  planRound: number;
  planHash: string | null;
  votes: Vote[];
  history: RequestState['history'];
  seq: number;
  /** Ids of the processed chat messages. */
  messages: string[];
  /** Absent in runs from before policies. */
  changedById?: number | null;
  escalated?: boolean;
  brokeGlassById?: number | null;
  /** ISO 8601: start of the hours of escalation and expiry. */
  reviewSince?: string;
  /** Why the package of the present plan could not be read. */
  unread?: string | null;
}

export interface ApprovalState extends Required<CarriedApproval> {
  kind: RequestKind;
  creator: Person;
  policy: ApprovalPolicy;
}

export interface Transition {
  event: string;
  actor: Actor;
  reason?: Reason | null | undefined;
  status?: RequestStatus | undefined;
  vote?: { round: number; planHash: string; step: number; voter: Voter | undefined } | undefined;
  delegation?: { phase: 'review' | 'ownership'; toId: number; username: string } | undefined;
  /** Begins another round: votes of the present one are void. */
  planRound?: number | undefined;
  planHash?: string | undefined;
  escalated?: true | undefined;
  /** Replaces the stored policy. */
  policy?: ApprovalPolicy | undefined;
  /** Started without approval, by the actor. */
  brokeGlass?: true | undefined;
  /** The update that requests it, which its activity verifies first. */
  claim?: UpdateClaim | undefined;
  /** The lifecycle's own columns to record. */
  also?: object | undefined;
}

/** A numbered transition, with the resulting state for its row. */
export type NumberedTransition = Transition & {
  seq: number;
  openTo: OpenTo;
  reviewSince: string;
  isEscalated: boolean;
  requiredApprovals?: number;
};

interface NewApproval {
  kind: RequestKind;
  creator: Person;
  policy: ApprovalPolicy;
  /** ISO 8601 */
  createdTime: string;
}

/** The state of a new request, or of one that continues from an earlier run. */
export function initialApproval(
  { kind, creator, policy, createdTime }: NewApproval,
  carried: Partial<CarriedApproval> = {},
): ApprovalState {
  return {
    kind,
    creator,
    policy,
    owner: creator,
    status: policy.steps.length === 0 ? 'approved' : 'wait_review',
    planRound: 1,
    planHash: null,
    votes: [],
    history: [],
    seq: 0,
    messages: [],
    changedById: null,
    escalated: false,
    brokeGlassById: null,
    reviewSince: createdTime,
    unread: null,
    ...carried,
  };
}

export function carriedApproval(state: ApprovalState): CarriedApproval {
  const { kind: _kind, creator: _creator, policy: _policy, ...carried } = state;
  return carried;
}

export const viewOf = (state: ApprovalState): ApprovalView => {
  const { kind, status, creator, owner, planHash, planRound, policy, votes } = state;
  const { changedById, escalated, brokeGlassById, unread } = state;
  return {
    kind,
    status,
    creatorId: creator.id,
    ownerId: owner.id,
    planHash,
    planRound,
    policy,
    votes,
    changedById,
    escalated,
    brokeGlassById,
    unread,
  };
};

/** Returns the state after a transition at `time` (ISO 8601). */
export function after(state: ApprovalState, change: Transition, time: string): ApprovalState {
  const { event, actor, reason, vote, delegation, status = state.status } = change;
  const { id: userId, username, channel } = actor;
  const next = {
    ...state,
    seq: state.seq + 1,
    status,
    history: [...state.history, { event, by: username, time, reason: reason ?? null, channel }],
    escalated: state.escalated || change.escalated === true,
    brokeGlassById: change.brokeGlass ? userId : state.brokeGlassById,
    policy: change.policy ?? state.policy,
  };
  if (change.planRound !== undefined) {
    Object.assign(next, { planRound: change.planRound, planHash: change.planHash ?? null, votes: [], unread: null });
  }
  // A new review restarts the hours.
  if (status === 'wait_review' && state.status !== 'wait_review') {
    Object.assign(next, { reviewSince: time, escalated: false });
  }
  if (vote) {
    const { planHash, step, voter } = vote;
    next.votes = [...next.votes, { userId, username, time, planHash, channel, step, voter }];
  }
  if (delegation?.phase === 'ownership') next.owner = { id: delegation.toId, username: delegation.username };
  return next;
}

export function numbered(state: ApprovalState, change: Transition, time: string): NumberedTransition {
  const next = after(state, change, time);
  const { seq, reviewSince, escalated: isEscalated } = next;
  const asked = change.policy && { requiredApprovals: requiredVotes(change.policy) };
  return { ...change, ...asked, seq, reviewSince, isEscalated, openTo: openTo(viewOf(next)) };
}

export interface Deadline {
  kind: 'escalate' | 'expire';
  hours: number;
  /** Milliseconds since 1970 */
  at: number;
}

const hourMs = 3_600_000;

/** The next deadline of an undecided request; undefined: there is none. */
export function nextDeadline(
  state: Pick<ApprovalState, 'status' | 'policy' | 'escalated' | 'reviewSince'>,
): Deadline | undefined {
  if (state.status !== 'wait_review') return undefined;
  const { escalateAfterHours, escalateTo, expireAfterHours } = state.policy;
  const since = Date.parse(state.reviewSince);
  const due = (kind: Deadline['kind'], hours: number): Deadline => ({ kind, hours, at: since + hours * hourMs });
  const all = [
    ...(expireAfterHours === null ? [] : [due('expire', expireAfterHours)]),
    ...(escalateAfterHours === null || escalateTo === null || state.escalated
      ? []
      : [due('escalate', escalateAfterHours)]),
  ];
  return all.sort((one, other) => one.at - other.at)[0];
}
