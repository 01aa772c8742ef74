// Making and changing resource requests: row, claims, plan, history and audit in one transaction.
import type { Kysely, Transaction } from 'kysely';
import { approvingPermissions } from '../../workflows/approvals/contract.ts';
import type { ApprovalPolicy, OpenTo } from '../../workflows/approvals/contract.ts';
import type { ResourceFields } from '../../workflows/requests/contract.ts';
import type { Actor } from '../../workflows/tasks/contract.ts';
import { holds, loadSubject } from '../access/rights.ts';
import { strictestPolicy } from '../approvals/policies.ts';
import { commonly, commonName } from '../approvals/request-table.ts';
import { lockRequest, recordStep } from '../approvals/transitions.ts';
import { addEvent, policyOf } from '../approvals/votes.ts';
import type { AuditChanges } from '../audit/tables.ts';
import type { Database } from '../database.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { json } from '../core/jsonb.ts';
import { claimThings } from './claims.ts';
import type { ResourceRow, ResourceRules } from './kind.ts';
import { putResourcePlan } from './plans.ts';

/** What a policy asks for at first, as the row shows it. */
type AtFirst = (policy: ApprovalPolicy) => { openTo: OpenTo; requiredApprovals: number };

const statusUnder = ({ steps }: ApprovalPolicy): 'approved' | 'wait_review' =>
  steps.length === 0 ? 'approved' : 'wait_review';

/** The columns of fields; lists and objects become jsonb. */
const stored = (fields: ResourceFields): object =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'object' && value !== null ? json(value) : value,
    ]),
  );

/** Makes a request with its first plan; throws Problem when it cannot be. */
export async function createResource<Row extends ResourceRow>(
  tx: Transaction<Database>,
  rules: ResourceRules<Row>,
  by: Actor,
  fields: ResourceFields,
  atFirst: AtFirst,
): Promise<Row> {
  const { kind } = rules.table;
  const policy = await strictestPolicy(tx, kind, (fields.applications as number[] | undefined) ?? []);
  const { openTo, requiredApprovals } = atFirst(policy);
  const own = { ...stored(fields), policy: json(policy), openTo: json(openTo), requiredApprovals };
  const { id } = await commonly(tx)
    .insertInto(commonName(rules.table))
    .values({ ...noEnd, creatorId: by.id, status: statusUnder(policy), ...own })
    .returning('id')
    .executeTakeFirstOrThrow();
  const row = await lockRequest(tx, rules, id);
  await plan(tx, rules, row, by);
  await addEvent(tx, { kind, requestId: id, event: 'created', by: by.username, channel: by.channel });
  await recordStep(tx, rules, by, row, 'created');
  return row;
}

const noEnd = {
  error: null,
  trouble: null,
  reviewSince: null,
  changedById: null,
  planHash: null,
  finishedTime: null,
} as const;

async function plan<Row extends ResourceRow>(
  tx: Transaction<Database>,
  rules: ResourceRules<Row>,
  row: Row,
  by: Actor,
): Promise<void> {
  const { kind } = rules.table;
  await rules.demandPossible?.(tx, row);
  await claimThings(tx, { kind, id: row.id }, rules.claims(row), (other) => sees(tx, rules, by, other));
  await putResourcePlan(tx, { kind, requestId: row.id, round: row.planRound }, await rules.compose(tx, row));
}

/** Whether somebody may see a request of the kind. */
async function sees<Row extends ResourceRow>(
  db: Kysely<Database>,
  { table, find }: ResourceRules<Row>,
  { id: userId }: Actor,
  requestId: number,
): Promise<boolean> {
  const other = await find(db, requestId);
  return other?.creatorId === userId || holds(await loadSubject(db, userId), approvingPermissions[table.kind]);
}

/** Stores new fields in a new round; votes are void, and the policy is chosen again. Idempotent by `seq`. */
export async function changeResource<Row extends ResourceRow>(
  db: Kysely<Database>,
  rules: ResourceRules<Row>,
  change: { id: number; seq: number; round: number; actor: Actor; fields: ResourceFields },
  atFirst: AtFirst,
): Promise<{ status: 'wait_review' | 'approved'; policy: ApprovalPolicy }> {
  return db.transaction().execute(async (tx) => {
    const { id, seq, round, actor, fields } = change;
    const { kind } = rules.table;
    const before = await lockRequest(tx, rules, id);
    if (before.seq >= seq) return { status: statusUnder(policyOf(before)), policy: policyOf(before) };
    const applications = (fields.applications as number[] | undefined) ?? before.applications ?? [];
    const policy = await strictestPolicy(tx, kind, applications);
    const { openTo, requiredApprovals } = atFirst(policy);
    const status = statusUnder(policy);
    const begun = { seq, planRound: round, planHash: null, changedById: actor.id, status, updatedTime: new Date() };
    const kept = { policy: json(policy), openTo: json(openTo), requiredApprovals, trouble: null };
    await commonly(tx)
      .updateTable(commonName(rules.table))
      .set({ ...stored(fields), ...begun, ...kept })
      .where('id', '=', id)
      .execute();
    const row = await lockRequest(tx, rules, id);
    await plan(tx, rules, row, actor);
    await addEvent(tx, { kind, requestId: id, event: 'changed', by: actor.username, channel: actor.channel });
    await recordStep(tx, rules, actor, row, 'changed', { changes: changesOf(before, row, Object.keys(fields)) });
    return { status, policy };
  });
}

function changesOf(before: object, after: object, names: readonly string[]): AuditChanges {
  const [was, is] = [before as ResourceFields, after as ResourceFields];
  const changed = names.filter((name) => canonicalJson(was[name] ?? null) !== canonicalJson(is[name] ?? null));
  return Object.fromEntries(changed.map((name) => [name, [was[name], is[name]] as [unknown, unknown]]));
}
