// Decisions that arrive as signals: who sent them, whether they may decide, and the record of those refused.
import { Context } from '@temporalio/activity';
import { loadSubject } from '../../db/access/rights.ts';
import type { Subject } from '../../db/access/rights.ts';
import { voterOf } from '../../db/approvals/people.ts';
import type { VotedOn } from '../../db/approvals/people.ts';
import type { AuditedRequest } from '../../db/approvals/transitions.ts';
import { recordRefusalOnce } from '../../db/audit/refusals.ts';
import { quote } from '../../db/audit/text.ts';
import { isSigned } from '../../db/secrets/message-proofs.ts';
import { approvingPermissions } from '../../workflows/approvals/contract.ts';
import type { DecideAttempt, DecideInput, Decider } from '../../workflows/approvals/contract.ts';
import { auditText, inBoth } from '../../kit/messages/audit-text.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import type { Reason } from '../../workflows/problems/problem.ts';
import type { Actor } from '../../workflows/tasks/contract.ts';
import type { ActivityDeps } from '../deps.ts';
import { thisActivity } from '../interceptors/proofs.ts';

/** A request that a message is about. */
export interface DecidedOn extends VotedOn {
  /** Users who may close it without the approving permission. */
  closers: readonly number[];
  /** Whether a user may see it at all. */
  sees(subject: Subject): Promise<boolean>;
}

interface Message {
  decide: DecideInput;
  proof?: string;
}

/** The sender of a message with their present rights; throws Problem when they may not decide. `find` loads the request. */
export async function authorizeDecider(
  deps: ActivityDeps,
  { decide, proof = '' }: Message,
  permission: keyof typeof approvingPermissions,
  find: () => Promise<DecidedOn | undefined>,
): Promise<Decider> {
  ensureProven(deps, decide, proof);
  const request = await find();
  const actor = request && (await actorOf(deps, decide));
  const decider = actor && (await deciderOf(deps, request, actor, decide));
  if (!decider) throw new Problem('not_allowed', { permission: approvingPermissions[permission] });
  return decider;
}

/**
 * Anyone who reaches the engine's port can claim any identity; the key proves that the sender is a trusted bot or operator.
 */
function ensureProven({ decisions: { mode, key } }: ActivityDeps, decide: DecideInput, proof: string): void {
  if (mode === 'open') return;
  if (mode === 'off') throw new Problem('signals_off');
  const workflowId = Context.current().info.workflowExecution?.workflowId ?? '';
  if (key === undefined || !isSigned(key, workflowId, decide, proof)) throw new Problem('no_proof');
}

async function actorOf({ db }: ActivityDeps, { actor, messageId }: DecideInput): Promise<Actor | null> {
  const user = await db
    .selectFrom('users')
    .select(['id', 'username'])
    .where('username', '=', actor)
    .where('status', '=', 'enabled')
    .executeTakeFirst();
  return user ? { ...user, channel: 'chat-ops', messageId } : null;
}

/** The actor with their present rights, if they may decide at all; the workflow decides whether the vote counts. */
async function deciderOf(
  { db }: ActivityDeps,
  request: DecidedOn,
  actor: Actor,
  { decision }: DecideInput,
): Promise<Decider | undefined> {
  const subject = await loadSubject(db, actor.id);
  if (!(await request.sees(subject))) return undefined;
  const voter = await voterOf(db, subject, request);
  const closes = decision === 'close' && request.closers.includes(actor.id);
  return voter.holds || voter.delegators.length > 0 || closes ? { ...actor, voter } : undefined;
}

/** Records a refused message once, however often the activity is retried. */
export const recordRefusedMessage = (
  { db }: ActivityDeps,
  request: { kind: string; id: number } & Pick<AuditedRequest, 'view' | 'area' | 'opType' | 'targetName' | 'label'>,
  attempt: DecideAttempt,
  problem: Reason,
): Promise<void> => {
  const { kind, id, label, view, area, opType, targetName } = request;
  const by = {
    id: 0,
    username: attempt.actor || 'unknown',
    channel: 'chat-ops' as const,
    messageId: attempt.messageId || null,
    requestId: thisActivity(),
  };
  return recordRefusalOnce(db, by, {
    view,
    area,
    opType,
    targetType: kind,
    targetId: id,
    targetName,
    detail: auditText('decision_refused', {
      request: label,
      decision: quote(attempt.decision),
      why: inBoth(problem, quote),
    }),
  });
};
