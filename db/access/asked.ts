// Most requests name an object in their path and are allowed by what the caller may do with it. What he is granted there is
// found with him, by one statement; nothing of it outlives the request.
import { sql } from 'kysely';
import type { Expression } from 'kysely';
import { actionsOn, scopes, type May, type Scope, type ScopePermissions, type Subject } from './rights.ts';

/** The object that a request names. */
export interface Asked {
  scope: Scope;
  id: number;
}

/** What grants give the caller on it; null when there is no such object. */
export interface AskedGrants extends Asked {
  granted: string[] | null;
}

/** The values that `grantedThere` has a place for. */
export interface AskedValues {
  scope: Scope | null;
  objectId: number | null;
}

/** The values for an object, or for none. */
export const askedValues = (asked: Asked | undefined): AskedValues => ({
  scope: asked?.scope ?? null,
  objectId: asked?.id ?? null,
});

/** A column with what grants give a user on an object; null where there is none. */
export function grantedThere(
  userId: Expression<number>,
  scope: Expression<Scope | null>,
  id: Expression<number | null>,
) {
  const exists = (one: Scope) => sql`when ${sql.lit(one)} then (
    select true from ${sql.table(scopes[one].table)} as object
    where object.id = ${id}::bigint and object.deleted_time is null)`;
  return sql<string[] | null>`case when case ${scope}::text ${exists('application')} ${exists('host')} end then array(
    select grants.permission from grants
    where grants.scope = ${scope}::text and grants.object_id = ${id}::bigint and (grants.user_id = ${userId}
      or grants.role_id in (select user_roles.role_id from user_roles where user_roles.user_id = ${userId}))) end`;
}

/** Whether a user may do something with the object that his request names. */
export function mayOnAsked<S extends Scope>(
  subject: Subject,
  { scope, granted }: AskedGrants & { scope: S },
  permission: ScopePermissions[S],
): May {
  if (granted === null) return 'hidden';
  const may = actionsOn<Scope>(subject, scope, granted);
  if (!may.has(scopes[scope].view)) return 'hidden';
  return may.has(permission) ? 'yes' : 'no';
}
