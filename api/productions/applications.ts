import { z } from 'zod';
import { diff } from '../../db/audit/changes.ts';
import { lockTree } from '../../db/applications/tree.ts';
import { selectSummaries } from '../../db/applications/find.ts';
import { anywhere } from '../../db/core/ilike.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { applicationSummary, presentSummaries } from '../applications/object.ts';
import { keepingPolicies } from '../applications/policies-kept.ts';
import { updateEntries } from '../applications/text.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx } from '../operations/context.ts';
import { demandEntries, idEntries, noSuch, withMore } from '../operations/list-bodies.ts';
import { list } from '../operations/list.ts';
import { done, success } from '../operations/schemas.ts';
import { lockedProduction } from './productions.ts';
import { production } from './rights.ts';

const area = 'productions';
const path = '/productions/{id}/applications/';

const listApplications = list({
  path,
  id: 'listProductionApplications',
  area,
  summary: 'List the applications of a production',
  permission: production('view'),
  filter: z.object({ name: z.string().max(64).optional() }),
  item: applicationSummary,
  query: ({ params, query: { name } }, ctx) =>
    selectSummaries(ctx.db, ctx.subject)
      .where('applications.productionId', '=', params.id)
      .$if(name !== undefined, (q) => q.where('applications.name', 'ilike', anywhere(name ?? ''))),
  present: (rows, ctx) => presentSummaries(rows, ctx),
});

const rowsOf = (ctx: ChangeCtx, ids: readonly number[]) =>
  ctx.tx
    .selectFrom('applications')
    .where('id', 'in', ids)
    .select(['id', 'name', 'fullName', 'productionId'])
    .orderBy('id')
    .forUpdate()
    .execute();

/** Moves applications into a production (null: out of any); each one that changes is audited. */
async function assign(ctx: ChangeCtx, ids: readonly number[], to: number | null): Promise<void> {
  for (const row of await rowsOf(ctx, ids)) {
    if (row.productionId === to) continue;
    const set = { productionId: to, updatedTime: ctx.now() };
    await ctx.tx.updateTable('applications').set(set).where('id', '=', row.id).execute();
    ctx.audit(...updateEntries(row, diff({ production: row.productionId }, { production: to })));
  }
}

async function refuseElsewhere(ctx: ChangeCtx, ids: readonly number[], productionId: number): Promise<void> {
  const other = (await rowsOf(ctx, ids)).find((row) => row.productionId !== null && row.productionId !== productionId);
  if (!other) return;
  const { name } = await ctx.tx
    .selectFrom('productions')
    .where('id', '=', other.productionId)
    .select('name')
    .executeTakeFirstOrThrow();
  throw new Problem('belongs_elsewhere', { name: other.name, other: name });
}

const addApplications = change({
  method: 'post',
  path,
  id: 'addProductionApplications',
  area,
  summary: 'Put applications into a production',
  permission: withMore(production('edit'), 'edit_app'),
  body: idEntries(),
  returns: success,
  problems: ['belongs_elsewhere', 'leaves_policy'],
  async handle({ params, body }, ctx) {
    const ids = body.map((one) => one.id);
    await demandEntries(ctx, 'application', 'edit_app', ids);
    await lockTree(ctx.tx);
    await lockedProduction(ctx, params.id);
    await refuseElsewhere(ctx, ids, params.id);
    await keepingPolicies(ctx, ids, () => assign(ctx, ids, params.id));
    return done;
  },
});

const removeApplications = change({
  method: 'delete',
  path,
  id: 'removeProductionApplications',
  area,
  summary: 'Remove applications from a production',
  permission: withMore(production('edit'), 'edit_app'),
  body: idEntries(),
  returns: success,
  problems: ['leaves_policy'],
  async handle({ params, body }, ctx) {
    const ids = body.map((one) => one.id);
    await demandEntries(ctx, 'application', 'edit_app', ids);
    await lockTree(ctx.tx);
    const inside = (await rowsOf(ctx, ids)).filter((row) => row.productionId === params.id).map((row) => row.id);
    noSuch('application of this production', ids, (one) => !inside.includes(one));
    await keepingPolicies(ctx, ids, () => assign(ctx, ids, null));
    return done;
  },
});

export const productionApplicationEndpoints = [listApplications, addApplications, removeApplications];
