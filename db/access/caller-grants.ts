// Most requests name an object in their path and are allowed by what the caller may do with it. What he is granted there is
// found with him, by one statement, anew for every request.
import { sql } from 'kysely';
import type { Expression, Kysely, RawBuilder } from 'kysely';
import type { Database } from '../database.ts';
import { prepared, opaqueToPlanner, type Built, type Parameter } from '../core/prepared-statements.ts';
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

/** A column with what grants give a user on the object asked for; null where there is none. */
type Granted = (userId: Expression<number>) => RawBuilder<string[] | null>;

/**
 * A query that finds a caller, and with him what he is granted on the object asked for. It is prepared for each scope and
 * for no object: PostgreSQL would plan one statement for all anew each time, since values would decide what of it is run.
 */
export function preparedWithAsked<Values extends object, Row>(
  build: (db: Kysely<Database>, place: Parameter<Values>, granted: Granted) => Built<Row>,
): (db: Kysely<Database>, values: Values, asked: Asked | undefined) => Promise<Row[]> {
  type All = Values & { objectId: number };
  const of = (granted: (place: Parameter<All>) => Granted) =>
    prepared<All, Row>((db, place) => build(db, place, granted(place)));
  const on = (scope: Scope) => of((place) => (userId) => grantedOnObject(userId, scope, place('objectId')));
  const nowhere = of(() => () => sql<null>`null::text[]`);
  const byScope = { application: on('application'), host: on('host') };
  return (db, values, asked) => (asked ? byScope[asked.scope] : nowhere)(db, { ...values, objectId: asked?.id ?? 0 });
}

function grantedOnObject(userId: Expression<number>, scope: Scope, id: Expression<number>) {
  return sql<string[] | null>`case when exists (
    select from ${sql.table(scopes[scope].table)} as object
    where object.id = ${opaqueToPlanner(id, 'bigint')} and object.deleted_time is null) then array(
    select grants.permission from grants
    where grants.scope = ${sql.lit(scope)} and grants.object_id = ${opaqueToPlanner(id, 'bigint')} and (grants.user_id = ${userId}
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
