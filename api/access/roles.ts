import { z } from 'zod';
import { lackingOf } from '../../db/access/power.ts';
import { grantsOfRoles, selectRoles, type RoleRow } from '../../db/access/roles.ts';
import { holds } from '../../db/access/rights.ts';
import { selectUsers } from '../../db/access/users.ts';
import { policiesNaming } from '../../db/approvals/policies.ts';
import { diff } from '../../db/audit/changes.ts';
import { quote } from '../../db/audit/text.ts';
import { isUniqueViolation } from '../../db/core/errors.ts';
import { anywhere } from '../../db/core/ilike.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx, Ctx } from '../operations/context.ts';
import { endpoint } from '../operations/endpoint.ts';
import { list } from '../operations/list.ts';
import { notFound, signedIn, system } from '../operations/permissions.ts';
import { actions, done, iso, success, time } from '../operations/schemas.ts';
import { auditGrants, objectNames } from '../../db/access/grant-audit.ts';
import { demandGrantable } from './role-assignment.ts';
import { accessEntry } from './text.ts';
import { presentUser, userObject } from './user-object.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

const role = z.object({
  id: z.int(),
  name: z.string(),
  description: z.string(),
  creator: z.string(),
  created_time: time,
  builtin: z.boolean(),
  user_count: z.int(),
  available_actions: actions('edit', 'delete', 'assign'),
});

const roleName = z.string().trim().min(1).max(64);
const description = z.string().max(500);

async function present(rows: readonly RoleRow[], { db, subject }: Pick<Ctx, 'db' | 'subject'>) {
  const manages = holds(subject, 'manage_role');
  const bearers = rows.map((row) => ({ role: row.id }));
  const lacking = manages ? await lackingOf(db, subject, bearers) : [];
  return rows.map((row, index): z.input<typeof role> => {
    const grantable = manages && lacking[index] === undefined;
    return {
      id: row.id,
      name: row.name,
      description: row.description,
      creator: row.creator,
      builtin: row.builtin,
      created_time: iso(row.createdTime),
      user_count: row.userCount,
      available_actions: { edit: manages && !row.builtin, delete: grantable && !row.builtin, assign: grantable },
    };
  });
}

async function presentOne(row: RoleRow, ctx: Pick<Ctx, 'db' | 'subject'>) {
  const [one] = await present([row], ctx);
  if (!one) throw notFound();
  return one;
}

const find = (db: Ctx['db'], roleId: number): Promise<RoleRow> =>
  selectRoles(db).where('roles.id', '=', roleId).executeTakeFirstOrThrow(notFound);

const listRoles = list({
  path: '/roles/',
  id: 'listRoles',
  area: 'access',
  summary: 'List roles',
  permission: signedIn,
  filter: z.object({ name: z.string().optional() }),
  item: role,
  query({ query }, { db }) {
    const roles = selectRoles(db);
    return query.name ? roles.where('roles.name', 'ilike', anywhere(query.name)) : roles;
  },
  order: { oldest: 'roles.id' },
  present,
});

const nameTaken = (name: string) => (error: unknown) => {
  throw isUniqueViolation(error) ? new Problem('name_taken', { name }) : error;
};

const createRole = change({
  method: 'post',
  path: '/roles/',
  id: 'createRole',
  area: 'access',
  summary: 'Create a role',
  permission: system('manage_role'),
  body: z.object({ name: roleName, description: description.default('') }),
  returns: role,
  status: 201,
  problems: ['name_taken'],
  async handle({ body }, ctx) {
    const made = await ctx.tx
      .insertInto('roles')
      .values({ ...body, creator: ctx.actor.user.username })
      .returning('id')
      .executeTakeFirstOrThrow()
      .catch(nameTaken(body.name));
    const detail = auditText('role_created', { name: quote(body.name) });
    ctx.audit(accessEntry('create', 'role', { id: made.id, name: body.name }, detail, diff(null, body)));
    return presentOne(await find(ctx.tx, made.id), { db: ctx.tx, subject: ctx.subject });
  },
});

const getRole = endpoint({
  method: 'get',
  path: '/roles/{id}/',
  id: 'getRole',
  area: 'access',
  summary: 'One role',
  permission: signedIn,
  returns: role,
  handle: async ({ params }, ctx) => presentOne(await find(ctx.db, params.id), ctx),
});

const changeRole = change({
  method: 'patch',
  path: '/roles/{id}/',
  id: 'changeRole',
  area: 'access',
  summary: 'Change a role',
  permission: system('manage_role'),
  body: z.object({ name: roleName.optional(), description: description.optional() }),
  returns: role,
  problems: ['name_taken', 'builtin_role'],
  async handle({ params, body }, ctx) {
    const before = await find(ctx.tx, params.id);
    if (before.builtin) throw new Problem('builtin_role', { name: before.name });
    const after = { name: body.name ?? before.name, description: body.description ?? before.description };
    await ctx.tx.updateTable('roles').set(after).where('id', '=', before.id).execute().catch(nameTaken(after.name));
    const changes = diff({ name: before.name, description: before.description }, after);
    const detail = auditText('role_changed', { name: quote(after.name) });
    if (changes) ctx.audit(accessEntry('update', 'role', { id: before.id, name: after.name }, detail, changes));
    return presentOne({ ...before, ...after }, { db: ctx.tx, subject: ctx.subject });
  },
});

const deleteRole = change({
  method: 'delete',
  path: '/roles/{id}/',
  id: 'deleteRole',
  area: 'access',
  summary: 'Delete a role',
  description: 'Its users lose what it gave.',
  permission: system('manage_role'),
  returns: success,
  problems: ['builtin_role', 'no_right_to_grant', 'role_in_policies'],
  async handle({ params }, ctx) {
    const before = await find(ctx.tx, params.id);
    if (before.builtin) throw new Problem('builtin_role', { name: before.name });
    await demandGrantable(ctx, [before]);
    await ctx.tx.selectFrom('roles').select('id').where('id', '=', before.id).forUpdate().execute();
    const n = await policiesNaming(ctx.tx, before.id);
    if (n > 0) throw new Problem('role_in_policies', { name: before.name, n });
    await auditWhatItGave(ctx, before);
    await ctx.tx.deleteFrom('roles').where('id', '=', before.id).execute();
    return done;
  },
});

async function auditWhatItGave(ctx: ChangeCtx, before: RoleRow): Promise<void> {
  const grants = await grantsOfRoles(ctx.tx, [before.id]);
  const grantee = { kind: 'role', id: before.id, name: before.name } as const;
  for (const scope of ['application', 'host', 'system'] as const) {
    const of = grants.filter((grant) => grant.scope === scope).map((grant) => ({ ...grant, enable: false }));
    const names = await objectNames(
      ctx.tx,
      scope,
      of.map((grant) => grant.objectId),
    );
    ctx.audit(...auditGrants(grantee, scope, of, names));
  }
  const members = await selectUsers(ctx.tx)
    .where('users.id', 'in', (eb) => eb.selectFrom('userRoles').where('roleId', '=', before.id).select('userId'))
    .execute();
  const gone = {
    name: before.name,
    description: before.description,
    permissions: [...new Set(grants.map((grant) => grant.permission))],
    users: members.map((member) => member.username),
  };
  const detail = auditText('role_deleted', { name: quote(before.name) });
  ctx.audit(accessEntry('delete', 'role', { id: before.id, name: before.name }, detail, diff(gone, null)));
}

const listMembers = list({
  path: '/roles/{id}/users/',
  id: 'listRoleUsers',
  area: 'access',
  summary: 'Users of a role',
  permission: system('view_user'),
  item: userObject,
  async query({ params }, { db }) {
    await find(db, params.id);
    return selectUsers(db).where('users.id', 'in', (eb) =>
      eb.selectFrom('userRoles').where('roleId', '=', params.id).select('userId'),
    );
  },
  order: { oldest: 'users.id' },
  present: (rows, ctx) => rows.map((row) => presentUser(row, ctx)),
});

/** A role in other objects' lists. */
export const presentRoles = present;
export const roleObject = role;
export const roleEndpoints = [listRoles, createRole, getRole, changeRole, deleteRole, listMembers];
