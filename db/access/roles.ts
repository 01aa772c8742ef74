import { sql } from 'kysely';
import type { Kysely, Selectable } from 'kysely';
import type { Database } from '../database.ts';
import { fromParts } from '../rows.ts';
import { actionsFor, adminRole, holds, type Scope, type Subject } from './rights.ts';
import type { SystemPermission } from './catalogue.ts';
import type { AccessTables } from './tables.ts';

export type RoleRow = Selectable<AccessTables['roles']> & { userCount: number };

/** Roles with the number of their users; the base of every list and look-up. */
export const selectRoles = (db: Kysely<Database>) =>
  db
    .selectFrom('roles')
    .selectAll('roles')
    .select(sql<number>`(select count(*) from user_roles where user_roles.role_id = roles.id)`.as('userCount'));

/** Grants of roles, as they are stored. */
export const grantsOfRoles = (db: Kysely<Database>, roleIds: readonly number[]) =>
  db
    .selectFrom('grants')
    .where('roleId', 'in', roleIds.length > 0 ? roleIds : [0])
    .select(['roleId', 'scope', 'objectId', 'permission'])
    .orderBy('id')
    .execute();

/**
 * For each role that a user may not hand on, a permission of it that he lacks: nobody gives by a role what he does not
 * hold himself.
 */
export async function lackingOfRoles(
  db: Kysely<Database>,
  subject: Subject,
  roles: readonly { id: number; name: string; builtin: boolean }[],
): Promise<Map<number, string>> {
  const lacking = new Map<number, string>();
  if (subject.isAdmin) return lacking;
  for (const role of roles) if (role.builtin) lacking.set(role.id, adminRole);
  const grants = await grantsOfRoles(
    db,
    roles.map((role) => role.id),
  );
  const may = {
    application: await actionsOn(db, subject, 'application', grants),
    host: await actionsOn(db, subject, 'host', grants),
  };
  for (const { roleId, scope, objectId, permission } of grants) {
    const held =
      scope === 'system'
        ? holds(subject, permission as SystemPermission)
        : (may[scope].get(objectId)?.has(permission) ?? false);
    if (roleId !== null && !held) lacking.set(roleId, permission);
  }
  return lacking;
}

async function actionsOn(
  db: Kysely<Database>,
  subject: Subject,
  scope: Scope,
  grants: readonly { scope: string; objectId: number }[],
): Promise<Map<number, Set<string>>> {
  const ids = grants.filter((grant) => grant.scope === scope).map((grant) => grant.objectId);
  return actionsFor(db, subject, scope, [...new Set(ids)]);
}

/** Gives a role to users; returns those who did not have it. */
export async function giveRole(tx: Kysely<Database>, roleId: number, userIds: readonly number[]): Promise<number[]> {
  const rows = userIds.map((userId) => ({ userId, roleId }));
  const given = await fromParts(rows, (part) =>
    tx
      .insertInto('userRoles')
      .values(part)
      .onConflict((on) => on.doNothing())
      .returning('userId')
      .execute(),
  );
  return given.map((row) => row.userId);
}

/** Takes a role from users; returns those who had it. */
export async function takeRole(tx: Kysely<Database>, roleId: number, userIds: readonly number[]): Promise<number[]> {
  const taken = await tx
    .deleteFrom('userRoles')
    .where('roleId', '=', roleId)
    .where('userId', 'in', userIds)
    .returning('userId')
    .execute();
  return taken.map((row) => row.userId);
}
