import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import type { Grantee } from './grants.ts';
import { scopes, visible, type Scope, type Subject } from './rights.ts';

/** Users or roles under one form. */
const grantees = (db: Kysely<Database>, kind: Grantee['kind']) =>
  db
    .selectFrom((eb) =>
      kind === 'user'
        ? eb
            .selectFrom('users')
            .select(['id', 'username as name', sql<boolean>`false`.as('builtin')])
            .as('grantees')
        : eb.selectFrom('roles').select(['id', 'name', 'builtin']).as('grantees'),
    )
    .select(['grantees.id', 'grantees.name', 'grantees.builtin']);

/** The user or role with an id, or undefined. */
export const findGrantee = (db: Kysely<Database>, { kind, id }: Grantee) =>
  grantees(db, kind).where('grantees.id', '=', id).executeTakeFirst();

/** Users or roles with a direct grant on an object. */
export const granteesOn = (db: Kysely<Database>, scope: Scope, kind: Grantee['kind'], objectId: number) =>
  grantees(db, kind).where(
    sql<boolean>`grantees.id in (select ${sql.ref(`${kind}_id`)} from grants
      where scope = ${scope} and object_id = ${objectId})`,
  );

/** Objects by the name that grants show, as far as `subject` may view them. */
export const viewableObjects = (db: Kysely<Database>, subject: Subject, scope: Scope) =>
  db
    .selectFrom((eb) =>
      scope === 'application'
        ? eb
            .selectFrom('applications')
            .select(['id', 'fullName as name'])
            .where('deletedTime', 'is', null)
            .as('objects')
        : eb.selectFrom('hosts').select(['id', 'name']).where('deletedTime', 'is', null).as('objects'),
    )
    .select(['objects.id', 'objects.name'])
    .where(visible<Scope>(subject, scope, scopes[scope].view, 'objects.id'));

/** A where-expression for `viewableObjects`: objects with a direct grant to the grantee. */
export const grantedDirectly = ({ kind, id }: Grantee, scope: Scope) =>
  sql<boolean>`objects.id in (select object_id from grants where scope = ${scope} and ${sql.ref(`${kind}_id`)} = ${id})`;
