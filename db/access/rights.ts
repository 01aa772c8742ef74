// Rights are decided in SQL, by one expression shared by lists, counts and checks, so that they agree. A user's rights are
// the union of their own grants, those of their roles, and system permissions that cover all objects.
import { sql } from 'kysely';
import type { Expression, Kysely, SqlBool } from 'kysely';
import type { Database } from '../database.ts';
import {
  applicationPermissions,
  coveredBy,
  effectiveSystem,
  grantedBy,
  hostPermissions,
  type ApplicationPermission,
  type HostPermission,
  type SystemPermission,
} from './permission-catalogue.ts';

/** Kinds of objects that rights are granted on, and the permissions of each. */
export interface ScopePermissions {
  application: ApplicationPermission;
  host: HostPermission;
}
export type Scope = keyof ScopePermissions;

/** The permissions of a scope, and the one that shows an object. */
export const scopes = {
  application: { permissions: applicationPermissions, view: 'view_app', table: 'applications' },
  host: { permissions: hostPermissions, view: 'view_host', table: 'hosts' },
} as const;

/** A user and their rights, as loaded at the start of a request. */
export interface Subject {
  userId: number;
  roleIds: number[];
  isAdmin: boolean;
  /** Effective system permissions; everything for an administrator. */
  system: Set<SystemPermission>;
}

/** The caller: their rights, and the name that identifies them as a creator. */
export interface Asker {
  subject: Subject;
  username: string;
}

/** The name of the built-in role that holds everything. */
export const adminRole = 'admin';

/** A user's roles and permissions, as one column of the query that loads them. */
export interface Held {
  roles: { id: number; name: string; builtin: boolean }[];
  permissions: string[];
}

/** A column with the rights of the user with this id: every request needs it, so it is part of the caller's look-up. */
export function holdings(userId: Expression<number>) {
  const roles = sql`select user_roles.role_id from user_roles where user_roles.user_id = ${userId}`;
  return sql<Held>`json_build_object(
    'roles', (select coalesce(json_agg(json_build_object('id', id, 'name', name, 'builtin', builtin)), '[]')
      from roles where roles.id = any(array(${roles}))),
    'permissions', (select coalesce(json_agg(distinct permission), '[]') from grants
      where grants.scope = 'system' and (grants.user_id = ${userId} or grants.role_id = any(array(${roles})))))`;
}

/** A user with their rights. */
export function subjectOf(userId: number, { roles, permissions }: Held): Subject {
  const isAdmin = roles.some((role) => role.builtin && role.name === adminRole);
  return { userId, roleIds: roles.map(({ id }) => id), isAdmin, system: effectiveSystem(permissions) };
}

/** Loads a user's rights. */
export async function loadSubject(db: Kysely<Database>, userId: number): Promise<Subject> {
  const { rows } = await sql<{ held: Held }>`select ${holdings(sql.val(userId))} as held`.execute(db);
  return subjectOf(userId, rows[0]?.held ?? { roles: [], permissions: [] });
}

/** Whether a user holds a system permission (and its module is enabled for them). */
export const holds = (subject: Subject, permission: SystemPermission): boolean =>
  subject.isAdmin || subject.system.has(permission);

/** A where-expression: the user's own grants and those of their roles. */
export function heldBy({ userId, roleIds }: Pick<Subject, 'userId' | 'roleIds'>): Expression<SqlBool> {
  return sql<SqlBool>`(grants.user_id = ${userId}
    or grants.role_id = any(${roleIds}::bigint[]))`;
}

/** Whether a user holds a permission on all objects. */
export const everywhere = (subject: Subject, permission: ApplicationPermission | HostPermission): boolean =>
  subject.isAdmin || coveredBy(permission).some((covering) => subject.system.has(covering));

/**
 * A where-expression that is true for objects on which the user holds a permission; `idRef` is the column (such as
 * `applications.id`) with the object's id. It can stand in any list and its count.
 */
export function visible<S extends Scope>(
  subject: Subject,
  scope: S,
  permission: ScopePermissions[S],
  idRef: string,
): Expression<SqlBool> {
  if (everywhere(subject, permission)) return sql<SqlBool>`true`;
  // The array is computed once and looked up in an index; a semi-join would scan a big list to find a few objects.
  return sql<SqlBool>`${sql.ref(idRef)} = any(array(
    select grants.object_id from grants
    where grants.scope = ${sql.lit(scope)} and grants.permission in (${sql.join(grantedBy(permission).map((one) => sql.lit(one)))}) and ${heldBy(subject)}
  ))`;
}

/** A column with the user's grants on each row's object (`idRef` as in `visible`); read it with `actionsOn`. */
export function grantedOn(subject: Subject, scope: Scope, idRef: string) {
  if (subject.isAdmin) return sql<string[]>`'{}'::text[]`;
  return sql<string[]>`array(
    select grants.permission from grants
    where grants.scope = ${sql.lit(scope)} and grants.object_id = ${sql.ref(idRef)} and ${heldBy(subject)})`;
}

/** A user's actions on an object, given these grants on it. */
export function actionsOn<S extends Scope>(
  subject: Subject,
  scope: S,
  granted: readonly string[],
): Set<ScopePermissions[S]> {
  const all = scopes[scope].permissions as readonly (ApplicationPermission | HostPermission)[];
  const may = all.filter((p) => everywhere(subject, p) || grantedBy(p).some((grant) => granted.includes(grant)));
  return new Set(may as ScopePermissions[S][]);
}

/** A user's actions on each of these objects, in one query for a whole page; every id has an entry. */
export async function actionsFor<S extends Scope>(
  db: Kysely<Database>,
  subject: Subject,
  scope: S,
  ids: readonly number[],
): Promise<Map<number, Set<ScopePermissions[S]>>> {
  const rows =
    subject.isAdmin || ids.length === 0
      ? []
      : await db
          .selectFrom('grants')
          .where('scope', '=', scope)
          .where('objectId', 'in', ids)
          .where(heldBy(subject))
          .select(['objectId', 'permission'])
          .execute();
  const granted = new Map<number, string[]>();
  for (const { objectId, permission } of rows) granted.set(objectId, [...(granted.get(objectId) ?? []), permission]);
  return new Map(ids.map((id) => [id, actionsOn(subject, scope, granted.get(id) ?? [])]));
}

/** Result of a check on one object; `hidden` if the user may not view it, or it does not exist. */
export type May = 'yes' | 'no' | 'hidden';

/** Whether a user may do something with each of these objects, in one query; every id has an entry. */
export async function mayOnEach<S extends Scope>(
  db: Kysely<Database>,
  subject: Subject,
  scope: S,
  permission: ScopePermissions[S],
  ids: readonly number[],
): Promise<Map<number, May>> {
  const { table, view } = scopes[scope];
  const { rows } = await sql<{ id: number; may: boolean; sees: boolean }>`
    select objects.id, ${visible(subject, scope, permission, 'objects.id')} as may,
      ${visible<Scope>(subject, scope, view, 'objects.id')} as sees
    from ${sql.table(table)} as objects
    where objects.id = any(${ids}::bigint[]) and objects.deleted_time is null`.execute(db);
  const found = new Map(rows.map(({ id, may, sees }): [number, May] => [id, sees ? (may ? 'yes' : 'no') : 'hidden']));
  return new Map(ids.map((id) => [id, found.get(id) ?? 'hidden']));
}

/** Whether a user may do something with one object. */
export async function mayOn<S extends Scope>(
  db: Kysely<Database>,
  subject: Subject,
  scope: S,
  permission: ScopePermissions[S],
  id: number,
): Promise<May> {
  return (await mayOnEach(db, subject, scope, permission, [id])).get(id) ?? 'hidden';
}
