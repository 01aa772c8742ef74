// Projects a request's workflow to its row: one transaction per transition with votes, history and audit record. `seq` makes
// it idempotent: an activity retried after its commit changes nothing.
import type { Kysely, Transaction, Updateable } from 'kysely';
import type { ApprovalPolicy, RequestStatus, RequestTransition } from '../../workflows/approvals/contract.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import type { Reason } from '../../workflows/problems/problem.ts';
import { auditText, auditWord, inBoth } from '../../kit/messages/audit-text.ts';
import { renderReason } from '../../kit/messages/message.ts';
import type { Actor } from '../../workflows/tasks/contract.ts';
import { record } from '../audit/record.ts';
import type { AuditDetail } from '../audit/record.ts';
import type { AuditChanges, AuditView } from '../audit/tables.ts';
import { quote } from '../audit/text.ts';
import type { Database } from '../database.ts';
import { json } from '../core/jsonb.ts';
import { tellEscalation } from './escalations.ts';
import { commonly, commonName } from './request-table.ts';
import type { RequestTable } from './request-table.ts';
import type { RequestColumns } from './tables.ts';
import { addEvent, policyOf } from './votes.ts';

/** The part of a request's row that transitions read. */
export interface RequestRow {
  id: number;
  status: RequestStatus;
  seq: number;
  planRound: number;
  policy: ApprovalPolicy | null;
  requiredApprovals: number;
}

/** The parts of a kind that transitions need. */
export interface TransitionRules<Row extends RequestRow> {
  table: RequestTable;
  find(db: Kysely<Database>, id: number): Promise<Row | undefined>;
  /** Throws Problem when the kind forbids the transition. */
  refuse?(row: Row, input: RequestTransition): void;
  /** Further columns of the kind that the transition sets. */
  columns?(row: Row, input: RequestTransition): object;
  /** In the same transaction, once the row is written. */
  followUp?(tx: Transaction<Database>, row: Row, input: RequestTransition): Promise<void>;
  audited(row: Row, event: string): AuditedRequest;
}

/** How the audit names a request. */
export interface AuditedRequest {
  view: AuditView;
  area: string;
  opType: string;
  targetName: string;
  /** With the id, e.g. `deploy task 42`. */
  label: AuditDetail;
}

interface Noted {
  reason?: Reason | null | undefined;
  changes?: AuditChanges | null | undefined;
}

/** The audit record of one step of a request. */
export async function recordStep<Row extends RequestRow>(
  tx: Transaction<Database>,
  { table, audited }: Pick<TransitionRules<Row>, 'table' | 'audited'>,
  by: Actor,
  row: Row,
  event: string,
  more: Noted = {},
): Promise<void> {
  const { label, ...entry } = audited(row, event);
  const step = { request: label, event: auditWord('event', event) };
  await record(tx, by, [
    {
      ...entry,
      targetType: table.kind,
      targetId: row.id,
      detail: more.reason
        ? auditText('request_step_because', { ...step, reason: inBoth(more.reason, quote) })
        : auditText('request_step', step),
      changes: more.changes ?? null,
    },
  ]);
}

/** A column holds text: of a message the English. */
export const wordsOf = (reason: Reason | null | undefined): string | null | undefined =>
  reason && renderReason(reason, 'en');

/** Locks and loads a request; throws Problem `no_such`. */
export async function lockRequest<Row extends RequestRow>(
  tx: Transaction<Database>,
  { table, find }: Pick<TransitionRules<Row>, 'table' | 'find'>,
  id: number,
): Promise<Row> {
  await commonly(tx).selectFrom(commonName(table)).select('id').where('id', '=', id).forNoKeyUpdate().execute();
  const row = await find(tx, id);
  if (!row) throw new Problem('no_such', { thing: table.kind.replace('_', ' '), id });
  return row;
}

/** Writes a transition, unless it is written already. */
export async function writeTransition<Row extends RequestRow>(
  tx: Transaction<Database>,
  rules: TransitionRules<Row>,
  id: number,
  input: RequestTransition,
): Promise<void> {
  const { table } = rules;
  const { kind } = table;
  const { seq, actor, event, reason, status, vote, delegation } = input;
  const row = await lockRequest(tx, rules, id);
  if (row.seq >= seq) return;
  rules.refuse?.(row, input);
  if (vote) {
    const { voter, ...ballot } = vote;
    const cast = { kind, requestId: id, userId: actor.id, channel: actor.channel, ...ballot };
    await tx
      .insertInto('votes')
      .values({ ...cast, voter: voter ? json(voter) : null })
      .execute();
  }
  if (delegation) {
    const { phase, toId } = delegation;
    await tx.insertInto('delegations').values({ kind, requestId: id, fromId: actor.id, phase, toId }).execute();
  }
  await commonly(tx)
    .updateTable(commonName(table))
    .set({
      seq,
      ...(status && { status }),
      ...approvalColumns(input),
      ...rules.columns?.(row, input),
    })
    .where('id', '=', id)
    .execute();
  await addEvent(tx, {
    kind,
    requestId: id,
    event,
    by: actor.username,
    reason: wordsOf(reason),
    channel: actor.channel,
  });
  await rules.followUp?.(tx, row, input);
  if (event === 'escalated') await tellEscalation(tx, { kind, id }, policyOf(row));
  const changes: AuditChanges | null = status && status !== row.status ? { status: [row.status, status] } : null;
  await recordStep(tx, rules, actor, row, event, { reason, changes });
}

/** What the row shows of its approval; runs from before policies leave some of it out. */
function approvalColumns(input: Partial<RequestTransition>): Updateable<RequestColumns> {
  const { planRound, planHash, policy, requiredApprovals, openTo, reviewSince, isEscalated } = input;
  return {
    ...(planRound !== undefined && { planRound, planHash: planHash ?? null }),
    ...(policy && { policy: json(policy), ...(requiredApprovals !== undefined && { requiredApprovals }) }),
    ...(openTo && { openTo: json(openTo) }),
    ...(reviewSince !== undefined && { reviewSince: new Date(reviewSince) }),
    ...(isEscalated !== undefined && { escalated: isEscalated }),
  };
}
