// Granting and revoking roles, shared by the user's and the role's endpoints. Users cannot grant, by a role, permissions
// that they do not hold; administrators can, and at least one enabled administrator always remains.
import { lackingOf } from '../../db/access/power.ts';
import { grantsOfRoles, giveRole, takeRole } from '../../db/access/roles.ts';
import { otherAdministrators } from '../../db/access/users.ts';
import { quote } from '../../db/audit/text.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import type { ChangeCtx } from '../operations/context.ts';
import { accessEntry } from './text.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

interface Role {
  id: number;
  name: string;
  builtin: boolean;
}

/** The roles with these ids, which the caller must be allowed to grant. */
async function grantableRoles(ctx: ChangeCtx, roleIds: readonly number[]): Promise<Role[]> {
  const roles = await ctx.tx
    .selectFrom('roles')
    .where('id', 'in', roleIds)
    .select(['id', 'name', 'builtin'])
    .orderBy('id')
    .execute();
  const missing = roleIds.find((one) => !roles.some((role) => role.id === one));
  if (missing !== undefined) throw new Problem('no_such', { thing: 'role', id: missing });
  await demandGrantable(ctx, roles);
  return roles;
}

/** Throws unless the caller may grant these roles. */
export async function demandGrantable(ctx: ChangeCtx, roles: readonly Role[]): Promise<void> {
  const bearers = roles.map(({ id }) => ({ role: id }));
  const lacking = (await lackingOf(ctx.tx, ctx.subject, bearers)).find((one) => one !== undefined);
  if (lacking !== undefined) throw new Problem('no_right_to_grant', { name: lacking });
}

/** Users by id; throws for the first missing one. */
async function usersOf(ctx: ChangeCtx, userIds: readonly number[]): Promise<Map<number, string>> {
  const rows = await ctx.tx.selectFrom('users').where('id', 'in', userIds).select(['id', 'username']).execute();
  const users = new Map(rows.map((row) => [row.id, row.username]));
  const missing = userIds.find((one) => !users.has(one));
  if (missing !== undefined) throw new Problem('no_such', { thing: 'user', id: missing });
  return users;
}

type Direction = 'given' | 'taken';

async function move(ctx: ChangeCtx, roles: readonly Role[], users: Map<number, string>, direction: Direction) {
  const grants = await grantsOfRoles(
    ctx.tx,
    roles.map((role) => role.id),
  );
  const ids = [...users.keys()];
  for (const role of roles) {
    const guarded = role.builtin && direction === 'taken';
    if (guarded && (await otherAdministrators(ctx.tx, ids)) === 0) throw new Problem('last_administrator');
    const moved = direction === 'given' ? await giveRole(ctx.tx, role.id, ids) : await takeRole(ctx.tx, role.id, ids);
    const permissions = grants.filter((grant) => grant.roleId === role.id).map((grant) => grant.permission);
    const pair = (value: unknown): [unknown, unknown] => (direction === 'given' ? [null, value] : [value, null]);
    const changes = { role: pair(role.name), permissions: pair(role.builtin ? ['*'] : [...new Set(permissions)]) };
    for (const userId of moved) {
      const username = users.get(userId) ?? '';
      const name = quote(role.name);
      const detail = auditText(direction === 'given' ? 'role_given' : 'role_taken', { name, user: username });
      ctx.audit(accessEntry('update', 'user', { id: userId, name: username }, detail, changes));
    }
  }
}

/** Gives roles to a user; roles they already have stay. */
export const assignRoles = async (ctx: ChangeCtx, userId: number, roleIds: readonly number[]): Promise<void> =>
  move(ctx, await grantableRoles(ctx, roleIds), await usersOf(ctx, [userId]), 'given');

/** Takes roles from a user; roles they do not have are ignored. */
export const removeRoles = async (ctx: ChangeCtx, userId: number, roleIds: readonly number[]): Promise<void> =>
  move(ctx, await grantableRoles(ctx, roleIds), await usersOf(ctx, [userId]), 'taken');

/** Gives a role to users. */
export const addMembers = async (ctx: ChangeCtx, roleId: number, userIds: readonly number[]): Promise<void> =>
  move(ctx, await grantableRoles(ctx, [roleId]), await usersOf(ctx, userIds), 'given');

/** Takes a role from users. */
export const removeMembers = async (ctx: ChangeCtx, roleId: number, userIds: readonly number[]): Promise<void> =>
  move(ctx, await grantableRoles(ctx, [roleId]), await usersOf(ctx, userIds), 'taken');
