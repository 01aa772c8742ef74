// The one place that verifies the origin of updates: the first activity of each handler carries the update unchanged, and is
// refused unless the API sealed it.
import { Context } from '@temporalio/activity';
import type { ActivityInboundCallsInterceptor } from '@temporalio/worker';
import type { Kysely } from 'kysely';
import type { AuditView } from '../../db/audit/tables.ts';
import { recordRefusalOnce } from '../../db/audit/refusals.ts';
import { quote } from '../../db/audit/text.ts';
import type { Database } from '../../db/database.ts';
import { isSealed } from '../../db/secrets/message-proofs.ts';
import type { Secrets } from '../../db/secrets/secrets.ts';
import { requestKinds } from '../../workflows/approvals/contract.ts';
import type { UpdateClaim } from '../../workflows/approvals/contract.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

/** Identifies an activity, the same for each attempt. */
export function thisActivity(): string {
  const { workflowExecution, activityId } = Context.current().info;
  return `${workflowExecution?.runId ?? ''}/${activityId}`;
}

/** Refuses and records activities whose update is not sealed. */
export const proofInterceptor = (
  db: Kysely<Database>,
  secrets: Pick<Secrets, 'mac'>,
): ActivityInboundCallsInterceptor => ({
  async execute(call, next) {
    const [input] = call.args as [{ claim?: UpdateClaim } | undefined];
    if (input?.claim === undefined) return next(call);
    const { claim, ...rest } = input;
    const { workflowExecution, scheduledTimestampMs } = Context.current().info;
    const isOurs = claim.workflowId === workflowExecution?.workflowId;
    if (!isOurs || !isSealed(secrets, claim, new Date(scheduledTimestampMs))) {
      await recordUnsealed(db, claim);
      throw new Problem('no_proof');
    }
    return next({ ...call, args: [rest] });
  },
});

interface Target {
  view: AuditView;
  area: string;
  targetType: string;
}

/** Where the audit lists an update of a workflow, by the first part of its id. */
function targetOf(prefix: string): Target {
  if (prefix === 'host-task') return { view: 'resources', area: 'hosts', targetType: 'host_task' };
  const kind = requestKinds.find((one) => one.replace('_', '-') === prefix);
  return kind === undefined || kind === 'deploy_task'
    ? { view: 'app', area: 'deploy', targetType: kind ?? 'workflow' }
    : { view: 'operations', area: 'requests', targetType: kind };
}

/** The sender reached the engine's port directly; the claimed identity is recorded, not trusted. */
async function recordUnsealed(db: Kysely<Database>, { workflowId, update, input }: UpdateClaim): Promise<void> {
  const [prefix = '', id = ''] = workflowId.split('/');
  const target = targetOf(prefix);
  const { actor } = input as { actor?: { username?: unknown } };
  const claimed = typeof actor?.username === 'string' ? actor.username.slice(0, 64) : '';
  const by = { id: 0, username: 'unknown', channel: 'workflow', requestId: thisActivity() } as const;
  await recordRefusalOnce(db, by, {
    ...target,
    opType: 'update',
    targetId: Number(id) || 0,
    targetName: workflowId,
    detail: auditText('update_without_proof', { update: quote(update), workflow: workflowId, name: quote(claimed) }),
  });
}
