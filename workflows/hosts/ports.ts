import type { Claimed } from '../approvals/contract.ts';
import type { Actor } from '../tasks/contract.ts';
import type { HostAt, HostOutcome } from './contract.ts';

export interface HostActivities {
  /**
   * Takes one host to its end, whatever its task is, and writes what became of it. What was done is in rows, so it goes on
   * where the last attempt was; while the host is on its way it gives its place back and is asked again later.
   */
  actOnHost(input: HostAt): Promise<HostOutcome>;
  /** The same, of tasks begun before `hostTask`. */
  initHost(input: HostAt & { hostId: number }): Promise<HostOutcome>;
  /** Writes of a host whose work could not even be tried that nobody knows how it ended. */
  abandonHost(input: HostAt & { reason: string }): Promise<HostOutcome>;
  /** Fails hosts that have not begun; answers how many. */
  cancelHosts(input: { taskId: number; actor: Actor | null } & Claimed): Promise<number>;
  /** Ends the task; what is still open is failed or unknown, with `error` where there is one. */
  settleHostTask(input: { taskId: number; error: string | null }): Promise<void>;
  /** Takes a host that was deleted out of monitoring. */
  forgetMonitored(input: { hostId: number }): Promise<void>;
}
