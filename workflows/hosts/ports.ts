import type { Claimed } from '../approvals/contract.ts';
import type { Actor } from '../tasks/contract.ts';
import type { HostAt, HostOutcome } from './contract.ts';

export interface HostActivities {
  /**
   * Drives one host of any task to its end and records the outcome. Progress is in rows, so a retry resumes it; while the
   * host is in progress the activity gives up its slot and is retried later.
   */
  actOnHost(input: HostAt): Promise<HostOutcome>;
  /** Same, for tasks begun before `hostTask`. */
  initHost(input: HostAt & { hostId: number }): Promise<HostOutcome>;
  /** Records an unknown outcome for a host whose work could not be tried. */
  abandonHost(input: HostAt & { reason: string }): Promise<HostOutcome>;
  /** Fails hosts not begun; returns their number. */
  cancelHosts(input: { taskId: number; actor: Actor | null } & Claimed): Promise<number>;
  /** Ends the task; open hosts are failed or unknown, with `error` if given. */
  settleHostTask(input: { taskId: number; error: string | null }): Promise<void>;
  /** Disables a deleted host in monitoring. */
  forgetMonitored(input: { hostId: number }): Promise<void>;
}
