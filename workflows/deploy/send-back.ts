import type { Approval } from '../approvals/engine.ts';
import { workflowActor } from '../tasks/contract.ts';
import type { SentBack } from '../approvals/contract.ts';

/** Begins another round of review of a task whose approval no longer holds; to be called under the lock. */
export const sendBack = (approval: Approval, planHash: string, { reason, policy }: SentBack): Promise<void> =>
  approval.transition({
    event: 'sent_back',
    actor: workflowActor,
    reason,
    policy,
    status: 'wait_review',
    planRound: approval.state.planRound + 1,
    planHash,
    also: { heldBy: null, trouble: reason },
  });
