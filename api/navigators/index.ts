import { z } from 'zod';
import { holds } from '../../db/access/rights.ts';
import { diff } from '../../db/audit/changes.ts';
import type { AuditEntry } from '../../db/audit/record.ts';
import type { AuditChanges } from '../../db/audit/tables.ts';
import { quote } from '../../db/audit/text.ts';
import { isUniqueViolation } from '../../db/core/errors.ts';
import { anywhere } from '../../db/core/ilike.ts';
import { lockNavigators, maxNavigators } from '../../db/navigators/navigators.ts';
import type { NavigatorRow } from '../../db/navigators/tables.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { change } from '../operations/change.ts';
import type { Ctx } from '../operations/context.ts';
import { endpoint, type Endpoint } from '../operations/endpoint.ts';
import { list } from '../operations/list.ts';
import { notFound, system } from '../operations/permissions.ts';
import { actions, done, iso, success, time } from '../operations/schemas.ts';
import { demandHttp, img, name, position, url } from './fields.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

const navigator = z.object({
  id: z.int(),
  name: z.string(),
  img: z.string(),
  url: z.string(),
  position: z.int(),
  creator: z.string(),
  created_time: time,
  available_actions: actions('edit', 'delete'),
});

function present(row: NavigatorRow, { subject }: Pick<Ctx, 'subject'>): z.input<typeof navigator> {
  const manages = holds(subject, 'manage_navigator');
  return {
    id: row.id,
    name: row.name,
    img: row.img,
    url: row.url,
    position: row.position,
    creator: row.creator,
    created_time: iso(row.createdTime),
    available_actions: { edit: manages, delete: manages },
  };
}

const find = (db: Ctx['db'], id: number): Promise<NavigatorRow> =>
  db.selectFrom('externalNavigators').selectAll().where('id', '=', id).executeTakeFirstOrThrow(notFound);

const taken = (error: unknown): never => {
  throw isUniqueViolation(error) ? new Problem('name_exists') : error;
};

const records = { create: 'navigator_created', update: 'navigator_changed', delete: 'navigator_deleted' } as const;

function entry(
  opType: keyof typeof records,
  row: Pick<NavigatorRow, 'id' | 'name'>,
  changes: AuditChanges | null,
): AuditEntry {
  return {
    view: 'operations',
    area: 'navigators',
    opType,
    targetType: 'navigator',
    targetId: row.id,
    targetName: row.name,
    detail: auditText(records[opType], { name: quote(row.name) }),
    changes,
  };
}

const editable = (row: NavigatorRow) => ({ name: row.name, img: row.img, url: row.url, position: row.position });

const listNavigators = list({
  path: '/external-navigators/',
  id: 'listNavigators',
  area: 'navigators',
  summary: 'List navigators',
  permission: system('view_navigator'),
  filter: z.object({ name: z.string().optional() }),
  item: navigator,
  query({ query }, { db }) {
    const all = db.selectFrom('externalNavigators').selectAll();
    return query.name ? all.where('name', 'ilike', anywhere(query.name)) : all;
  },
  present: (rows, ctx) => rows.map((row) => present(row, ctx)),
});

const createNavigator = change({
  method: 'post',
  path: '/external-navigators/',
  id: 'createNavigator',
  area: 'navigators',
  summary: 'Create a navigator',
  permission: system('manage_navigator'),
  body: z.object({ name, img, url, position: position.default(0) }),
  returns: navigator,
  status: 201,
  problems: ['only_http', 'name_exists', 'too_many_navigators'],
  async handle({ body }, ctx) {
    demandHttp(body.url);
    if ((await lockNavigators(ctx.tx)) >= maxNavigators) throw new Problem('too_many_navigators', { n: maxNavigators });
    const made = await ctx.tx
      .insertInto('externalNavigators')
      .values({ ...body, creator: ctx.actor.user.username })
      .returningAll()
      .executeTakeFirstOrThrow()
      .catch(taken);
    ctx.audit(entry('create', made, diff(null, body)));
    return present(made, ctx);
  },
});

const getNavigator = endpoint({
  method: 'get',
  path: '/external-navigators/{id}/',
  id: 'getNavigator',
  area: 'navigators',
  summary: 'One navigator',
  permission: system('view_navigator'),
  returns: navigator,
  handle: async ({ params }, ctx) => present(await find(ctx.db, params.id), ctx),
});

const changeNavigator = change({
  method: 'patch',
  path: '/external-navigators/{id}/',
  id: 'changeNavigator',
  area: 'navigators',
  summary: 'Change a navigator',
  permission: system('manage_navigator'),
  body: z.object({ name, img, url, position }).partial(),
  returns: navigator,
  problems: ['only_http', 'name_exists'],
  async handle({ params, body }, ctx) {
    demandHttp(body.url);
    await lockNavigators(ctx.tx);
    const before = await find(ctx.tx, params.id);
    const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
    const after: NavigatorRow = { ...before, ...given };
    const changes = diff(editable(before), editable(after));
    if (!changes) return present(before, ctx);
    const where = ctx.tx.updateTable('externalNavigators').set(editable(after)).where('id', '=', before.id);
    await where.execute().catch(taken);
    ctx.audit(entry('update', after, changes));
    return present(after, ctx);
  },
});

const deleteNavigator = change({
  method: 'delete',
  path: '/external-navigators/{id}/',
  id: 'deleteNavigator',
  area: 'navigators',
  summary: 'Delete a navigator',
  permission: system('manage_navigator'),
  returns: success,
  async handle({ params }, ctx) {
    const before = await ctx.tx
      .deleteFrom('externalNavigators')
      .where('id', '=', params.id)
      .returningAll()
      .executeTakeFirstOrThrow(notFound);
    ctx.audit(entry('delete', before, diff(editable(before), null)));
    return done;
  },
});

/** Links to other systems. */
export const navigatorEndpoints: readonly Endpoint[] = [
  listNavigators,
  createNavigator,
  getNavigator,
  changeNavigator,
  deleteNavigator,
];
