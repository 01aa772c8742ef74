import { currentUpdateInfo, workflowInfo } from '@temporalio/workflow';
import type { UpdateClaim } from '../approvals/contract.ts';

/** What the first activity of an update's handler checks before it writes; to be taken at the handler's beginning. */
export function claimOf(input: object): UpdateClaim {
  const info = currentUpdateInfo();
  return { workflowId: workflowInfo().workflowId, update: info?.name ?? '', updateId: info?.id ?? '', input };
}
