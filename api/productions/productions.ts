import { z } from 'zod';
import { diff } from '../../db/audit/changes.ts';
import type { AuditEntry } from '../../db/audit/record.ts';
import { quote } from '../../db/audit/text.ts';
import type { ProductionRow } from '../../db/inventory/tables.ts';
import { anywhere } from '../../db/core/ilike.ts';
import { policiesOf } from '../../db/approvals/policies.ts';
import { applicationsIn, findProduction, selectProductions } from '../../db/inventory/productions.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx, Ctx } from '../operations/context.ts';
import { endpoint } from '../operations/endpoint.ts';
import { list } from '../operations/list.ts';
import { notFound, signedIn, system } from '../operations/permissions.ts';
import { actions, atLeastOne, done, iso, success, time } from '../operations/schemas.ts';
import { nameTaken, unlessTaken } from '../operations/unique-names.ts';
import { asker, mayWith, production } from './rights.ts';
import { issue } from '../operations/issue.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

const area = 'productions';

const productionObject = z.object({
  id: z.int(),
  name: z.string(),
  description: z.string(),
  creator: z.string(),
  created_time: time,
  available_actions: actions('view', 'edit', 'delete'),
});

const present = (row: ProductionRow, ctx: Ctx): z.input<typeof productionObject> => ({
  id: row.id,
  name: row.name,
  description: row.description,
  creator: row.creator,
  created_time: iso(row.createdTime),
  available_actions: { view: true, edit: mayWith(ctx, row, 'edit'), delete: mayWith(ctx, row, 'delete') },
});

const fields = {
  name: z
    .string()
    .max(64)
    .regex(/^[^\s\p{C}](.*[^\s\p{C}])?$/u, issue('must_not_be_empty_or_padded'))
    .refine((name) => !/\p{C}/u.test(name), issue('must_not_hold_control_characters')),
  description: z.string().max(2000),
};

const records = { add: 'production_created', update: 'production_changed', delete: 'production_deleted' } as const;

/** An audit record about a production, in the applications view. */
function productionEntry(
  opType: keyof typeof records,
  { id, name }: Pick<ProductionRow, 'id' | 'name'>,
  changes: AuditEntry['changes'] = null,
): AuditEntry {
  return {
    view: 'app',
    area,
    opType,
    targetType: 'production',
    targetId: id,
    targetName: name,
    changes,
    detail: auditText(records[opType], { name: quote(name) }),
  };
}

/** A production, locked until the end of the transaction. */
export async function lockedProduction({ tx }: ChangeCtx, id: number): Promise<ProductionRow> {
  const row = await tx.selectFrom('productions').where('id', '=', id).selectAll().forUpdate().executeTakeFirst();
  if (!row) throw notFound();
  return row;
}

const listProductions = list({
  path: '/productions/',
  id: 'listProductions',
  area,
  summary: 'List productions',
  permission: signedIn,
  filter: z.object({ name: z.string().max(64).optional() }),
  item: productionObject,
  query: ({ query: { name } }, ctx) =>
    selectProductions(ctx.db, asker(ctx)).$if(name !== undefined, (q) =>
      q.where('name', 'ilike', anywhere(name ?? '')),
    ),
  present: (rows, ctx) => rows.map((row) => present(row, ctx)),
});

const createProduction = change({
  method: 'post',
  path: '/productions/',
  id: 'createProduction',
  area,
  summary: 'Create a production',
  permission: system('add_business'),
  body: z.object({ name: fields.name, description: fields.description.default('') }),
  returns: productionObject,
  status: 201,
  problems: ['name_taken'],
  async handle({ body }, ctx) {
    const row = { ...body, creator: ctx.actor.user.username, createdTime: ctx.now() };
    const inserted = ctx.tx.insertInto('productions').values(row).returningAll().executeTakeFirstOrThrow();
    const made = await unlessTaken(inserted, 'productions_name', nameTaken(body.name));
    ctx.audit(productionEntry('add', made, diff(null, body)));
    return present(made, ctx);
  },
});

const getProduction = endpoint({
  method: 'get',
  path: '/productions/{id}/',
  id: 'getProduction',
  area,
  summary: 'Get a production',
  permission: production('view'),
  returns: productionObject,
  async handle({ params }, ctx) {
    const row = await findProduction(ctx.db, asker(ctx), params.id);
    if (!row) throw notFound();
    return present(row, ctx);
  },
});

const changeProduction = change({
  method: 'patch',
  path: '/productions/{id}/',
  id: 'changeProduction',
  area,
  summary: 'Change a production',
  permission: production('edit'),
  body: atLeastOne(z.object(fields).partial()),
  returns: productionObject,
  problems: ['name_taken'],
  async handle({ params, body: { name, description } }, ctx) {
    const before = await lockedProduction(ctx, params.id);
    const after = { ...before, name: name ?? before.name, description: description ?? before.description };
    const columns = { name: after.name, description: after.description };
    const updated = ctx.tx.updateTable('productions').set(columns).where('id', '=', before.id).execute();
    await unlessTaken(updated, 'productions_name', nameTaken(after.name));
    const changed = diff(before, columns);
    if (changed) ctx.audit(productionEntry('update', after, changed));
    return present(after, ctx);
  },
});

const deleteProduction = change({
  method: 'delete',
  path: '/productions/{id}/',
  id: 'deleteProduction',
  area,
  summary: 'Delete a production',
  permission: production('delete'),
  returns: success,
  problems: ['production_has', 'production_in_policies'],
  async handle({ params }, ctx) {
    const row = await lockedProduction(ctx, params.id);
    const n = await applicationsIn(ctx.tx, row.id);
    if (n > 0) throw new Problem('production_has', { n });
    const policies = await policiesOf(ctx.tx, row.id);
    if (policies > 0) throw new Problem('production_in_policies', { n: policies });
    await ctx.tx.deleteFrom('productions').where('id', '=', row.id).execute();
    ctx.audit(productionEntry('delete', row));
    return done;
  },
});

export const productionEndpoints = [
  listProductions,
  createProduction,
  getProduction,
  changeProduction,
  deleteProduction,
];
