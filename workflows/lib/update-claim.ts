import { currentUpdateInfo, workflowInfo } from '@temporalio/workflow';
import type { UpdateClaim } from '../approvals/contract.ts';

/** The claim that the first activity of an update's handler verifies before it writes; take it when the handler begins. */
export function claimOf(input: object): UpdateClaim {
  const info = currentUpdateInfo();
  return { workflowId: workflowInfo().workflowId, update: info?.name ?? '', updateId: info?.id ?? '', input };
}
