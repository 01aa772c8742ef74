// Words that all work on machines shares: sub-tasks of a deploy task, instance tasks, host tasks.

import type { Reason } from '../problems/problem.ts';

export type TaskArea = 'deploy' | 'instance' | 'host';

export const taskStatuses = ['running', 'finished', 'failed'] as const;
export type TaskStatus = (typeof taskStatuses)[number];

/** `unknown`: no answer, neither success nor failure is known; a human decides. */
export const resultStatuses = ['waiting', 'running', 'finished', 'failed', 'unknown'] as const;
export type ResultStatus = (typeof resultStatuses)[number];

export const outputStreams = ['stdout', 'stderr', 'system'] as const;
export type OutputStream = (typeof outputStreams)[number];

export const waitingKinds = [
  'votes',
  'start',
  'planned_time',
  'freeze',
  'sub_tasks',
  'next_batch',
  'admission',
  'package',
  'paused',
  'host',
  'provider',
  'engine',
] as const;

/** Why something that has not ended stands still, and who can move it. */
export interface WaitingOn {
  kind: (typeof waitingKinds)[number];
  text: Reason;
  users: string[];
  /** ISO 8601 */
  until: string | null;
}

/** Who acts, and by which way he came in; carried from the request into the workflow and its audit records. */
export interface Actor {
  id: number;
  username: string;
  channel: 'console' | 'token' | 'chat-ops' | 'workflow' | 'cli';
  remoteAddr?: string | null;
  requestId?: string | null;
  tokenId?: number | null;
  messageId?: string | null;
}

/** The workflow itself, where it acts without being asked. */
export const workflowActor: Actor = { id: 0, username: 'system', channel: 'workflow' };
