// Loads the caller and their grants on the object in the path in one query per request. Never cached.
import { sql } from 'kysely';
import type { Expression, RawBuilder } from 'kysely';
import { actionsOn, scopes, type May, type Scope, type ScopePermissions, type Subject } from './rights.ts';

/** The object that a request names. */
export interface Asked {
  scope: Scope;
  id: number;
}

/** The caller's grants on it; null if there is no such object. */
export interface AskedGrants extends Asked {
  granted: string[] | null;
}

/** A column with a user's grants on the requested object; null if there is none. */
export function grantedOnAsked(userId: Expression<number>, asked: Asked | undefined): RawBuilder<string[] | null> {
  if (!asked) return sql<null>`null::text[]`;
  const { scope, id } = asked;
  return sql<string[] | null>`case when exists (
    select from ${sql.table(scopes[scope].table)} as object
    where object.id = ${id} and object.deleted_time is null) then array(
    select grants.permission from grants
    where grants.scope = ${sql.lit(scope)} and grants.object_id = ${id} and (grants.user_id = ${userId}
      or grants.role_id in (select user_roles.role_id from user_roles where user_roles.user_id = ${userId}))) end`;
}

/** Whether a user may do something with the object that their request names. */
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
