import type { HostOutcome } from './contract.ts';

export interface HostHands {
  /** Waits for the host to answer and makes it `inited`; a host that does not answer is an outcome, not a failure. */
  initHost(input: { taskId: number; position: number; hostId: number }): Promise<HostOutcome>;
  settleHostTask(input: { taskId: number; error: string | null }): Promise<void>;
}
