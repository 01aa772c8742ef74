import { sql } from 'kysely';
import type { Kysely, Selectable } from 'kysely';
import type { Database } from '../database.ts';
import { fromParts } from '../core/row-batches.ts';
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
