// What outsiders may know of the approval engine: every request that people approve has these states, updates and this
// signal, whatever it does once it is approved.
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Actor, WaitingOn } from '../tasks/contract.ts';

export const decisions = ['approve', 'reject', 'close'] as const;
export type Decision = (typeof decisions)[number];

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

/** The statuses that a request never leaves. */
export const endedStatuses: readonly RequestStatus[] = ['finished', 'failed', 'rejected', 'closed'];

export const requestKinds = ['deploy_task', 'host_request', 'domain_request', 'certificate_request'] as const;
export type RequestKind = (typeof requestKinds)[number];

/** Who holds this may approve, as far as a policy lets him: on the request's application, or of a module. */
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

/** Of whom so many must approve: a role's members, those listed, or, with neither, whoever may approve at all. */
export interface PolicyGroup {
  role: RoleRef | null;
  users: Person[] | null;
  count: number;
}

export interface PolicyStep {
  groups: PolicyGroup[];
}

/** Who must approve a request: the copy that it keeps from its creation. Names are those of that time. */
export interface ApprovalPolicy {
  /** null: built in */
  id: number | null;
  name: string;
  /** In order: a step opens when the one before is satisfied. None: approved at once. */
  steps: PolicyStep[];
  creatorMayVote: boolean;
  escalateAfterHours: number | null;
  escalateTo: RoleRef | null;
  expireAfterHours: number | null;
  breakGlass: RoleRef | null;
}

/** What goes without a policy of one's own: so many of those who may approve. */
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

/** A holder of the approving permission, in whose name one vote can be cast. */
export interface Seat {
  userId: number;
  /** Ids of their roles. */
  roles: number[];
}

/** What a voter is at the moment of the vote, looked up where the vote is let in; never part of a message. */
export interface Voter {
  /** Ids of his roles. */
  roles: number[];
  /** He has the approving permission. */
  holds: boolean;
  /** Enabled holders who let them review this one request. */
  delegators: number[];
  /** Their own, and those of everybody along the chains of delegations to them; absent in votes from before. */
  seats?: Seat[];
}

/** A vote as it is weighed; one from before there were policies has neither step nor voter. */
export interface CastVote {
  userId: number;
  /** From 0: the step that was open. */
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

/** Whose votes would count now. */
export interface OpenTo {
  anyone: boolean;
  roles: number[];
  users: number[];
  /** Users in whose seats a vote is cast already; left out when there are none. */
  taken?: number[];
}

/** Looks that a start without approval needs afterwards. */
export const looksNeeded = 2;

/** What the gates of policy.ts look at; the workflow's own state and a row of PostgreSQL both have it. */
export interface ApprovalView {
  kind: RequestKind;
  status: RequestStatus;
  creatorId: number;
  ownerId: number;
  planHash: string | null;
  /** What of the plan could not be read, so that nobody can vote on it; null or left out: nothing. */
  unread?: string | null;
  /** From 1; each change opens another. */
  planRound: number;
  policy: ApprovalPolicy;
  /** Of the present plan. */
  votes: readonly CastVote[];
  changedById: number | null;
  escalated: boolean;
  /** Who has started it without approval. */
  brokeGlassById: number | null;
}

export interface ApproveInput {
  actor: Actor;
  voter?: Voter | undefined;
  /** The plan that the approver looked at; another one than the present is refused. */
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

/** What a message asked for, as far as it could be read: it comes from outside and may be anything. */
export interface DecideAttempt {
  decision: string;
  actor: string;
  channel: string;
  messageId: string;
}

/** The signal of chat-ops: news without an answer; the workflow checks the actor's permission itself. */
export interface DecideInput {
  decision: Decision;
  /** username */
  actor: string;
  reason?: string;
  channel: string;
  messageId: string;
  /** The plan that the sender looked at. */
  planHash?: string;
}

/** What the API seals of an update; `proof` in its input, checked by an activity. */
export interface Envelope {
  /** ISO 8601 */
  at: string;
  mac: string;
}

/** An update as it came, for the activity that asks whether it was sealed. */
export interface UpdateClaim {
  workflowId: string;
  update: string;
  updateId: string;
  input: object;
}

/** An input that an update has sent may prove it. */
export interface Claimed {
  claim?: UpdateClaim | undefined;
}

/** The sender of a message with what he was found to be. */
export interface Decider extends Actor {
  voter?: Voter;
}

export interface RequestState {
  status: RequestStatus;
  owner: string;
  planHash: string | null;
  approvals: { required: number; given: Vote[] };
  waitingOn: WaitingOn | null;
  history: { event: string; by: string; time: string; reason: string | null; channel: string }[];
  /** Workflow ids of children that are running. */
  children: string[];
}

export const approveUpdate = defineUpdate<void, [ApproveInput]>('approve');
export const rejectUpdate = defineUpdate<void, [ReasonInput]>('reject');
export const closeUpdate = defineUpdate<void, [ReasonInput]>('close');
export const delegateUpdate = defineUpdate<void, [DelegateInput]>('delegate');
export const decideSignal = defineSignal<[unknown]>('decide');
export const stateQuery = defineQuery<RequestState>('state');
