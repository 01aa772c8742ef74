// Loads the caller and their grants on the object in the path in one query per request. Never cached.
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

/** The caller's grants on it; null if there is no such object. */
export interface AskedGrants extends Asked {
  granted: string[] | null;
}

/** A column with a user's grants on the requested object; null if there is none. */
type Granted = (userId: Expression<number>) => RawBuilder<string[] | null>;

/**
 * A query that loads a caller and their grants on the requested object. It is prepared per scope and once without an
 * object: PostgreSQL would replan a single statement each time, since values would decide which part of it runs.
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
