import type { Kysely, Selectable } from 'kysely';
import { sql } from 'kysely';
import type { Database } from '../database.ts';
import { adminRole } from './rights.ts';
import type { AccessTables } from './tables.ts';

export type UserRow = Omit<Selectable<AccessTables['users']>, 'passwordHash' | 'secondFactor'> & {
  roles: { id: number; name: string }[];
  isAdmin: boolean;
};

/** Users with their roles; the base of every list and look-up. Password hashes are not in it. */
export const selectUsers = (db: Kysely<Database>) =>
  db
    .selectFrom('users')
    .select(['users.id', 'users.username', 'users.name', 'users.email', 'users.phone', 'users.status'])
    .select(['users.mustChangePassword', 'users.createdTime', 'users.lastLoginTime'])
    .select([
      sql<{ id: number; name: string }[]>`coalesce((
        select jsonb_agg(jsonb_build_object('id', roles.id, 'name', roles.name) order by roles.id)
        from user_roles join roles on roles.id = user_roles.role_id where user_roles.user_id = users.id), '[]')`.as(
        'roles',
      ),
      sql<boolean>`exists (
        select from user_roles join roles on roles.id = user_roles.role_id
        where user_roles.user_id = users.id and roles.builtin and roles.name = ${adminRole})`.as('isAdmin'),
    ]);

/** One user, or undefined. */
export const findUser = (db: Kysely<Database>, id: number): Promise<UserRow | undefined> =>
  selectUsers(db).where('users.id', '=', id).executeTakeFirst();

/** Whether a username is stored, by name or by address (both regardless of case). */
export const findLogin = (db: Kysely<Database>, name: string) =>
  db
    .selectFrom('users')
    .where((eb) => eb.or([eb('username', '=', name.toLowerCase()), eb(sql`lower(email)`, '=', name.toLowerCase())]))
    .orderBy(sql`username = ${name.toLowerCase()}`, 'desc')
    .select(['id', 'username', 'name', 'email', 'status', 'passwordHash', 'mustChangePassword', 'secondFactor'])
    .executeTakeFirst();

/**
 * Locks what decides who the administrators are until the end of the transaction, and tells how many enabled ones there
 * are without `exceptUserId`.
 */
export async function otherAdministrators(tx: Kysely<Database>, exceptUserIds: readonly number[]): Promise<number> {
  const { id } = await tx
    .selectFrom('roles')
    .where('builtin', '=', true)
    .where('name', '=', adminRole)
    .select('id')
    .forUpdate()
    .executeTakeFirstOrThrow();
  const { count } = await tx
    .selectFrom('users')
    .innerJoin('userRoles', 'userRoles.userId', 'users.id')
    .where('userRoles.roleId', '=', id)
    .where('users.status', '=', 'enabled')
    .where('users.id', 'not in', exceptUserIds.length > 0 ? exceptUserIds : [0])
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}
