import type { Kysely } from 'kysely';
import type { ApprovalPolicy } from '../../workflows/approvals/contract.ts';
import type { Database } from '../database.ts';
import { enqueue } from '../coordination/outbox.ts';

/** The outbox topic of escalations, for the creator's mail. */
export const escalationTopic = 'request_escalated';

/** Queues a mail to the creator for after the commit, if mail is configured. */
export async function tellEscalation(tx: Kysely<Database>, taskId: number, policy: ApprovalPolicy): Promise<void> {
  const { escalateAfterHours: hours, escalateTo } = policy;
  await enqueue(tx, escalationTopic, { taskId, hours: hours ?? 0, role: escalateTo?.name ?? '' });
}
