import type { Kysely } from 'kysely';
import type { ApprovalPolicy, RequestKind } from '../../workflows/approvals/contract.ts';
import type { Database } from '../database.ts';
import { enqueue } from '../coordination/outbox.ts';

/** The outbox topic of escalations, for the creator's mail. */
export const escalationTopic = 'request_escalated';

/** Queues a mail to the creator for after the commit, if mail is configured. */
export async function tellEscalation(
  tx: Kysely<Database>,
  request: { kind: RequestKind; id: number },
  { escalateAfterHours: hours, escalateTo }: ApprovalPolicy,
): Promise<void> {
  await enqueue(tx, escalationTopic, { ...request, hours: hours ?? 0, role: escalateTo?.name ?? '' });
}
