// The public contract of the approval engine: every kind of approved request has these states, updates and this signal,
// whatever follows its approval.
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Actor, WaitingOn } from '../tasks/contract.ts';
import type { Reason } from '../problems/problem.ts';

export const decisions = ['approve', 'reject', 'close'] as const;
type Decision = (typeof decisions)[number];

export const requestStatuses = [
  'wait_review',
  'approved',
  'running',
  'finished',
  'failed',
  'rejected',
  'closed',
] as const;
export type RequestStatus = (typeof requestStatuses)[number];

/** The terminal statuses of a request. */
export const endedStatuses: readonly RequestStatus[] = ['finished', 'failed', 'rejected', 'closed'];

export const requestKinds = ['deploy_task', 'host_request', 'domain_request', 'certificate_request'] as const;
export type RequestKind = (typeof requestKinds)[number];

/** Holders may approve within the policy: on the request's application, or for a module. */
export const approvingPermissions = {
  deploy_task: 'review_app_deploy_task',
  host_request: 'approve_host_req',
  domain_request: 'approve_domain_req',
  certificate_request: 'approve_ssl_cert_req',
} as const satisfies Record<RequestKind, string>;

export interface Person {
  id: number;
  username: string;
}

export interface RoleRef {
  id: number;
  name: string;
}

/** A group that must give this many approvals: a role's members, listed users, or, with neither, all who may approve. */
export interface PolicyGroup {
  role: RoleRef | null;
  users: Person[] | null;
  count: number;
}

interface PolicyStep {
  groups: PolicyGroup[];
}

/** The approval policy of a request: its own copy since its creation, with names of that time. */
export interface ApprovalPolicy {
  /** null: built in */
  id: number | null;
  name: string;
  /** In order: a step opens when the previous one is satisfied. Empty: approved at once. */
  steps: PolicyStep[];
  creatorMayVote: boolean;
  escalateAfterHours: number | null;
  escalateTo: RoleRef | null;
  expireAfterHours: number | null;
  breakGlass: RoleRef | null;
}

/** The default without a configured policy: this many of those who may approve. */
export const builtInPolicy = (count: number): ApprovalPolicy => ({
  id: null,
  name: 'built-in',
  steps: count === 0 ? [] : [{ groups: [{ role: null, users: null, count }] }],
  creatorMayVote: false,
  breakGlass: null,
  escalateAfterHours: null,
  escalateTo: null,
  expireAfterHours: null,
});

/** A holder of the approving permission; one vote can be cast in their seat. */
export interface Seat {
  userId: number;
  /** Ids of their roles. */
  roles: number[];
}

/** A voter's rights at the time of the vote, looked up when the vote is accepted; never part of a message. */
export interface Voter {
  /** Ids of their roles. */
  roles: number[];
  /** Whether they hold the approving permission. */
  holds: boolean;
  /** Enabled holders who delegated their review of this request to them. */
  delegators: number[];
  /** Their own, and those of all delegators along chains of delegation; absent in older votes. */
  seats?: Seat[];
}

/** A vote to be weighed; those from before policies have neither step nor voter. */
export interface CastVote {
  userId: number;
  /** The step that was open, from 0. */
  step?: number | undefined;
  voter?: Voter | undefined;
}

export interface Vote extends CastVote {
  username: string;
  /** ISO 8601 */
  time: string;
  planHash: string;
  channel: string;
}

/** The users whose votes would count now. */
export interface OpenTo {
  anyone: boolean;
  roles: number[];
  users: number[];
  /** Users in whose seats a vote is already cast; absent when there are none. */
  taken?: number[];
}

/** Reviews required after a start without approval. */
export const looksNeeded = 2;

/** Input of the gates in policy.ts; built from the workflow's state or from a row of PostgreSQL. */
export interface ApprovalView {
  kind: RequestKind;
  status: RequestStatus;
  creatorId: number;
  ownerId: number;
  planHash: string | null;
  /** Why the plan's package could not be read, which blocks voting; null or absent: it was read. */
  unread?: string | null;
  /** From 1; increases with each change. */
  planRound: number;
  policy: ApprovalPolicy;
  /** Votes on the present plan. */
  votes: readonly CastVote[];
  changedById: number | null;
  escalated: boolean;
  /** The user who started it without approval. */
  brokeGlassById: number | null;
}

export interface ApproveInput {
  actor: Actor;
  voter?: Voter | undefined;
  /** The plan that the approver saw; refused unless it is the present one. */
  planHash?: string | undefined;
  reason?: string | undefined;
}

export interface ReasonInput {
  actor: Actor;
  reason?: string | undefined;
}

export interface DelegateInput {
  actor: Actor;
  userId: number;
  username: string;
}

/** The readable parts of a message, which is untrusted and may be anything. */
export interface DecideAttempt {
  decision: string;
  actor: string;
  channel: string;
  messageId: string;
}

/** The signal of chat-ops, which has no response; the workflow itself checks the actor's permission. */
export interface DecideInput {
  decision: Decision;
  /** username */
  actor: string;
  reason?: string;
  channel: string;
  messageId: string;
  /** The plan that the sender saw. */
  planHash?: string;
}

/** The API's seal of an update; `proof` in its input, verified by an activity. */
export interface Envelope {
  /** ISO 8601 */
  at: string;
  mac: string;
}

/** An update as received, for the activity that verifies its seal. */
export interface UpdateClaim {
  workflowId: string;
  update: string;
  updateId: string;
  input: object;
}

/** An input that may carry the proof of its update. */
export interface Claimed {
  claim?: UpdateClaim | undefined;
}

/** The sender of a message with their looked-up rights. */
export interface Decider extends Actor {
  voter?: Voter;
}

/** One transition of a request, as recorded in its row, its history and the audit. */
export interface RequestTransition {
  /** Ascending; late or repeated ones have no effect. */
  seq: number;
  event: string;
  actor: Actor;
  reason?: Reason | null | undefined;
  status?: RequestStatus | undefined;
  vote?: { round: number; planHash: string; step: number; voter: Voter | undefined } | undefined;
  delegation?: { phase: 'review' | 'ownership'; toId: number } | undefined;
  /** Begins another round: votes of the present one are void. */
  planRound?: number | undefined;
  planHash?: string | undefined;
  brokeGlass?: true | undefined;
  /** Replaces the stored policy. */
  policy?: ApprovalPolicy | undefined;
  /** Required votes. */
  requiredApprovals?: number | undefined;
  /** Of the resulting state, as are the following. */
  isEscalated: boolean;
  openTo: OpenTo;
  /** ISO 8601: start of the policy's hours. */
  reviewSince: string;
  /** Further columns of the kind's row; absent ones are unchanged. */
  also?: object | undefined;
}

/** An approval that no longer holds. */
export interface SentBack {
  /** For people: whose votes are missing, and why. */
  reason: Reason;
  /** The policy that applies now, if the request's own does not suffice. */
  policy?: ApprovalPolicy;
}

export interface RequestState {
  status: RequestStatus;
  owner: string;
  planHash: string | null;
  approvals: { required: number; given: Vote[] };
  waitingOn: WaitingOn | null;
  history: { event: string; by: string; time: string; reason: Reason | null; channel: string }[];
  /** Workflow ids of running children. */
  children: string[];
}

export const approveUpdate = defineUpdate<void, [ApproveInput]>('approve');
export const rejectUpdate = defineUpdate<void, [ReasonInput]>('reject');
export const closeUpdate = defineUpdate<void, [ReasonInput]>('close');
export const delegateUpdate = defineUpdate<void, [DelegateInput]>('delegate');
export const decideSignal = defineSignal<[unknown]>('decide');
export const stateQuery = defineQuery<RequestState>('state');
