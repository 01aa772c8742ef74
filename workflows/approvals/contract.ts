// What outsiders may know of the approval engine: every request that people approve has these states, updates and this
// signal, whatever it does once it is approved.
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Actor, WaitingOn } from '../tasks.ts';

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

export interface Vote {
  userId: number;
  username: string;
  /** ISO 8601 */
  time: string;
  planHash: string;
  channel: string;
}

/** What the gates of policy.ts look at; the workflow's own state and a row of PostgreSQL both have it. */
export interface ApprovalView {
  status: RequestStatus;
  creatorId: number;
  ownerId: number;
  planHash: string | null;
  requiredApprovals: number;
  votes: readonly { userId: number }[];
}

export interface ApproveInput {
  actor: Actor;
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
