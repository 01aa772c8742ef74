import { z } from 'zod';
import { findPolicy, policyShownTo } from '../../db/approvals/policies.ts';
import type { ApprovalPolicyRow } from '../../db/approvals/tables.ts';
import { diff } from '../../db/audit/changes.ts';
import type { AuditEntry } from '../../db/audit/record.ts';
import type { AuditChanges } from '../../db/audit/tables.ts';
import { quote } from '../../db/audit/text.ts';
import { isUniqueViolation } from '../../db/core/errors.ts';
import { json } from '../../db/core/jsonb.ts';
import { requestKinds } from '../../workflows/approvals/contract.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { change } from '../operations/change.ts';
import type { Ctx } from '../operations/context.ts';
import { endpoint } from '../operations/endpoint.ts';
import { loadedList } from '../operations/list.ts';
import { admin, notFound, signedIn } from '../operations/permissions.ts';
import { atLeastOne, done, flag, id, success } from '../operations/schemas.ts';
import { demandSatisfiable } from './check.ts';
import { changedPolicy, demandConsistent, newPolicy, policyObject, rulesOf } from './fields.ts';
import type { PolicyRules } from './fields.ts';
import { builtInPolicies, presentPolicy } from './object.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

const area = 'approvals';
const records = { create: 'policy_created', update: 'policy_changed', delete: 'policy_deleted' } as const;

function entry(
  opType: keyof typeof records,
  { id: targetId, name }: Pick<ApprovalPolicyRow, 'id' | 'name'>,
  changes: AuditChanges | null,
): AuditEntry {
  return {
    view: 'operations',
    area,
    opType,
    targetType: 'approval_policy',
    targetId,
    targetName: name,
    changes,
    detail: auditText(records[opType], { name: quote(name) }),
  };
}

const find = async (db: Ctx['db'], policyId: number): Promise<ApprovalPolicyRow> => {
  const row = await findPolicy(db, policyId);
  if (!row) throw notFound();
  return row;
};

const rulesIn = ({ id: _id, creator: _by, createdTime: _made, updatedTime: _changed, ...rules }: ApprovalPolicyRow) =>
  rules;

const stored = (rules: PolicyRules) => ({ ...rules, levels: json(rules.levels), steps: json(rules.steps) });

const taken =
  (name: string) =>
  (error: unknown): never => {
    throw isUniqueViolation(error, 'approval_policies_name') ? new Problem('name_taken', { name }) : error;
  };

const listPolicies = loadedList({
  path: '/approval-policies/',
  id: 'listApprovalPolicies',
  area,
  summary: 'List approval policies, the built-in ones last',
  permission: signedIn,
  filter: z.object({ kind: z.enum(requestKinds).optional(), application: id.optional(), enabled: flag.optional() }),
  item: policyObject,
  async load({ query: { kind, application, enabled } }, ctx, { page, pageSize }) {
    let query = ctx.db.selectFrom('approvalPolicies').where(policyShownTo(ctx.subject)).selectAll().orderBy('id');
    if (kind) query = query.where('kind', '=', kind);
    if (application !== undefined) query = query.where('applicationId', '=', application);
    if (enabled !== undefined) query = query.where('enabled', '=', enabled);
    const shown = builtInPolicies.filter(
      (one) => application === undefined && enabled !== false && (!kind || one.kind === kind),
    );
    // Administrators write policies by hand, so there are few.
    const all = [...(await query.execute()).map(presentPolicy), ...shown];
    return { items: all.slice((page - 1) * pageSize, page * pageSize), count: all.length };
  },
});

const createPolicy = change({
  method: 'post',
  path: '/approval-policies/',
  id: 'createApprovalPolicy',
  area,
  summary: 'Create an approval policy',
  permission: admin,
  body: newPolicy,
  returns: policyObject,
  status: 201,
  problems: ['name_taken', 'no_such'],
  async handle({ body }, ctx) {
    const rules = rulesOf(body) as PolicyRules;
    demandConsistent(rules);
    await demandSatisfiable(ctx, rules);
    const row = await ctx.tx
      .insertInto('approvalPolicies')
      .values({ ...stored(rules), creator: ctx.actor.user.username })
      .returningAll()
      .executeTakeFirstOrThrow()
      .catch(taken(rules.name));
    ctx.audit(entry('create', row, diff(null, rules)));
    return presentPolicy(row);
  },
});

const getPolicy = endpoint({
  method: 'get',
  path: '/approval-policies/{id}/',
  id: 'getApprovalPolicy',
  area,
  summary: 'One approval policy',
  permission: signedIn,
  returns: policyObject,
  async handle({ params }, ctx) {
    const row = await find(ctx.db, params.id);
    const shown = ctx.db
      .selectFrom('approvalPolicies')
      .where('id', '=', row.id)
      .where(policyShownTo(ctx.subject))
      .select('id');
    // Built-in policies are in no table and concern no application.
    if (row.id > 0 && !(await shown.executeTakeFirst())) throw notFound();
    return presentPolicy(row);
  },
});

const changePolicy = change({
  method: 'patch',
  path: '/approval-policies/{id}/',
  id: 'changeApprovalPolicy',
  area,
  summary: 'Change an approval policy; existing requests keep their copy',
  permission: admin,
  body: atLeastOne(changedPolicy),
  returns: policyObject,
  problems: ['name_taken', 'no_such'],
  async handle({ params, body }, ctx) {
    await ctx.tx.selectFrom('approvalPolicies').select('id').where('id', '=', params.id).forUpdate().execute();
    const before = await find(ctx.tx, params.id);
    const rules: PolicyRules = { ...rulesIn(before), ...rulesOf(body) };
    const changes = diff(rulesIn(before), rules);
    if (!changes) return presentPolicy(before);
    demandConsistent(rules);
    await demandSatisfiable(ctx, rules);
    const row = await ctx.tx
      .updateTable('approvalPolicies')
      .set({ ...stored(rules), updatedTime: ctx.now() })
      .where('id', '=', before.id)
      .returningAll()
      .executeTakeFirstOrThrow()
      .catch(taken(rules.name));
    ctx.audit(entry('update', row, changes));
    return presentPolicy(row);
  },
});

const deletePolicy = change({
  method: 'delete',
  path: '/approval-policies/{id}/',
  id: 'deleteApprovalPolicy',
  area,
  summary: 'Delete an approval policy; existing requests keep their copy',
  permission: admin,
  returns: success,
  async handle({ params }, ctx) {
    const before = await ctx.tx
      .deleteFrom('approvalPolicies')
      .where('id', '=', params.id)
      .returningAll()
      .executeTakeFirstOrThrow(notFound);
    ctx.audit(entry('delete', before, diff(rulesIn(before), null)));
    return done;
  },
});

export const policyEndpoints = [listPolicies, createPolicy, getPolicy, changePolicy, deletePolicy];
