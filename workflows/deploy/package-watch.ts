// Retries a package that could not be read when the plan was made, which blocks voting. Once readable, makes the plan again
// in another round.
import { condition, isCancellation } from '@temporalio/workflow';
import { hasEnded } from '../approvals/policy.ts';
import { workflowActor } from '../tasks/contract.ts';
import { PollBackoff } from './poll-backoff.ts';
import type { DeployParts } from './sub-tasks.ts';

const firstMs = 2_000;
const mostMs = 10 * 60_000;

export class PackageWatch {
  readonly #parts: DeployParts;
  readonly #looks = new PollBackoff(firstMs, mostMs);
  #news = 0;
  /** Waiting, with no state that continue-as-new would lose. */
  idle = true;

  constructor(parts: DeployParts) {
    this.#parts = parts;
  }

  wake(): void {
    this.#news += 1;
    this.#looks.reset();
  }

  /** Runs until the end of its task. */
  async run(): Promise<void> {
    const { approval } = this.#parts;
    for (;;) {
      await condition(() => this.#over() || this.#isUnread());
      if (this.#over()) return;
      const [seen, round] = [this.#news, approval.state.planRound];
      const isOther = (): boolean => this.#over() || approval.state.planRound !== round;
      await condition(() => isOther() || this.#news !== seen, this.#looks.next());
      if (isOther()) this.#looks.reset();
      else await this.#look();
    }
  }

  #over(): boolean {
    return hasEnded(this.#parts.approval.state.status);
  }

  #isUnread(): boolean {
    const { status, unread } = this.#parts.approval.state;
    return unread !== null && (status === 'wait_review' || status === 'approved');
  }

  /** Takes the lock only after the package was read, so that decisions do not wait for an unreachable host. */
  async #look(): Promise<void> {
    const { approval, hands, input } = this.#parts;
    this.idle = false;
    try {
      const { planRound: round } = approval.state;
      if (await hands.canReadPackage({ taskId: input.taskId, round }))
        await approval.alone(() => this.#readAgain(round));
    } catch (error) {
      if (isCancellation(error)) throw error;
      // For example a hook that can't be rendered any more; the next attempt sees later changes.
    }
    this.idle = true;
  }

  async #readAgain(round: number): Promise<void> {
    const { approval, hands, input } = this.#parts;
    if (!this.#isUnread() || approval.state.planRound !== round) return;
    const remade = await hands.rereadPlan({ taskId: input.taskId, round });
    if (!remade) return;
    const { planHash, difference: reason } = remade;
    await approval.transition({ event: 'plan_changed', actor: workflowActor, reason, planRound: round + 1, planHash });
  }
}
