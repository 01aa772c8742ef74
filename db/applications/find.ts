// The caller's view of applications: every list, look-up and count starts from `visibleApplications`, so that an application
// they may not view appears nowhere.
import { sql } from 'kysely';
import type { Expression, Kysely, RawBuilder, SqlBool } from 'kysely';
import { grantedBy } from '../access/permission-catalogue.ts';
import { grantedOn, visible, type Subject } from '../access/rights.ts';
import type { Database } from '../database.ts';
import type { ApplicationRow } from '../inventory/tables.ts';
import { anywhere } from '../core/ilike.ts';

const visibleApplications = (db: Kysely<Database>, subject: Subject) =>
  db
    .selectFrom('applications')
    .select(
      // Not EXISTS: the planner might hash the parents of all applications for a page of ten.
      sql<boolean>`(
        select true from applications as child where child.parent_id = applications.id and child.deleted_time is null
        and ${visible(subject, 'application', 'view_app', 'child.id')} limit 1) is not null`.as('hasChild'),
    )
    .select(grantedOn(subject, 'application', 'applications.id').as('granted'))
    .where('applications.deletedTime', 'is', null)
    .where(visible(subject, 'application', 'view_app', 'applications.id'));

/** Applications that the caller may view. */
const selectApplications = (db: Kysely<Database>, subject: Subject) =>
  visibleApplications(db, subject).selectAll('applications');

const summaryColumns = ['id', 'name', 'fullName', 'productionId', 'parentId'] as const;

/** Applications that the caller may view, with what lists show of them. */
export const selectSummaries = (db: Kysely<Database>, subject: Subject) =>
  visibleApplications(db, subject).select(summaryColumns.map((column) => `applications.${column}` as const));

export type SeenApplication = ApplicationRow & { hasChild: boolean; granted: string[] };
export type SeenSummary = Pick<SeenApplication, (typeof summaryColumns)[number] | 'hasChild' | 'granted'>;

/** An application that the caller may view. */
export const findApplication = (db: Kysely<Database>, subject: Subject, id: number) =>
  selectApplications(db, subject).where('applications.id', '=', id).executeTakeFirst();

/** Filters of lists of applications; texts match anywhere, regardless of case. */
interface ApplicationFilter {
  name?: string | undefined;
  full_name?: string | undefined;
  response_persons?: number[] | undefined;
  has_parent?: boolean | undefined;
  user?: string | undefined;
  role?: string | undefined;
  production?: number | undefined;
  parent_app?: number | undefined;
  application_type?: string | undefined;
}

/** An expression that is true when all given filters hold of a row of `applications`. */
export function matching(filter: ApplicationFilter): Expression<SqlBool> {
  const conditions: RawBuilder<SqlBool>[] = [sql`true`];
  const add = (condition: RawBuilder<SqlBool>): void => void conditions.push(condition);
  const { name, full_name, response_persons, has_parent, user, role, production, parent_app, application_type } =
    filter;
  if (name !== undefined) add(sql`applications.name ilike ${anywhere(name)}`);
  if (full_name !== undefined) add(sql`applications.full_name ilike ${anywhere(full_name)}`);
  if (application_type !== undefined) add(sql`applications.application_type ilike ${anywhere(application_type)}`);
  if (response_persons !== undefined) add(among(answeredBy(sql`any(${response_persons}::bigint[])`)));
  if (has_parent !== undefined) add(has_parent ? sql`parent_id is not null` : sql`parent_id is null`);
  if (user !== undefined) add(concerns(sql`(select users.id from users where username = ${user})`));
  if (role !== undefined)
    add(among(viewedBy(sql`grants.role_id = (select roles.id from roles where lower(roles.name) = lower(${role}))`)));
  if (production !== undefined) add(sql`production_id = ${production}`);
  if (parent_app !== undefined) add(sql`parent_id = ${parent_app}`);
  return sql<SqlBool>`${sql.join(conditions, sql` and `)}`;
}

// Ids are collected by the holder first and then looked up: far fewer than there are applications.
const among = (...ids: RawBuilder<unknown>[]): RawBuilder<SqlBool> =>
  sql`applications.id = any(array(${sql.join(ids, sql` union all `)}))`;

const answeredBy = (userId: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`select application_id from response_persons where response_persons.user_id = ${userId}`;

const viewedBy = (holder: RawBuilder<SqlBool>): RawBuilder<unknown> => sql`
  select grants.object_id from grants where grants.scope = 'application'
  and grants.permission = any(${grantedBy('view_app')}::text[]) and ${holder}`;

/** True when a user has to do with an application: granted directly or by a role, or as a response person. */
const concerns = (userId: RawBuilder<unknown>): RawBuilder<SqlBool> =>
  among(
    viewedBy(sql`grants.user_id = ${userId}`),
    viewedBy(sql`grants.role_id in (select user_roles.role_id from user_roles where user_roles.user_id = ${userId})`),
    answeredBy(userId),
  );

/** Pairs of a user and an application that concerns them, as far as the caller may view it. */
export const applicationsOfUsers = (db: Kysely<Database>, subject: Subject, userIds: readonly number[]) =>
  selectApplications(db, subject)
    .innerJoin('users', (join) => join.on(concerns(sql.ref('users.id'))))
    .where('users.id', 'in', userIds)
    .select('users.id as userId')
    .orderBy('applications.id')
    .execute();

/** Expressions that are true for applications linked to the one with this id. */
export const linkedTo = {
  children: (id: number) => sql<SqlBool>`applications.parent_id = ${id}`,
  required: (id: number) =>
    sql<SqlBool>`applications.id in (
      select required_id from required_apps where application_id = ${id})`,
  requiredBy: (id: number) =>
    sql<SqlBool>`applications.id in (
      select application_id from required_apps where required_id = ${id})`,
};
