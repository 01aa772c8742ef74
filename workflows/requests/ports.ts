import type {
  ApprovalPolicy,
  Claimed,
  DecideAttempt,
  DecideInput,
  Decider,
  RequestTransition,
  SentBack,
} from '../approvals/contract.ts';
import type { Reason } from '../problems/problem.ts';
import type { Actor } from '../tasks/contract.ts';
import type { ResourceFields, ResourceRef } from './contract.ts';

/** Short activities: one transaction in PostgreSQL each (docs/decisions/0003). */
export interface ResourceRecordActivities {
  recordResourceTransition(input: ResourceRef & RequestTransition & Claimed): Promise<void>;
  /** Records new fields and a new plan in another round. */
  recordResourceChange(
    input: ResourceRef & { seq: number; round: number; actor: Actor; fields: ResourceFields } & Claimed,
  ): Promise<{ status: 'wait_review' | 'approved'; policy: ApprovalPolicy }>;
  /** Fixes the hash of a round's plan. */
  completeResourcePlan(input: ResourceRef & { round: number }): Promise<{ planHash: string }>;
  /** Makes the plan again before the fulfilment, and weighs the votes; `sentBack`: it has to be reviewed again. */
  remakeResourcePlan(input: ResourceRef & { round: number }): Promise<{ planHash: string; sentBack: SentBack | null }>;
  authorizeResourceDecision(input: ResourceRef & { decide: DecideInput; proof?: string }): Promise<Decider>;
  recordRefusedResourceDecision(input: ResourceRef & { attempt: DecideAttempt; problem: Reason }): Promise<void>;
}
