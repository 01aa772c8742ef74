// Deploy freezes: which exist, whom they concern, and which block a deploy. A freeze without application and production
// covers everything; one on a production covers the applications in it at that moment.
import { sql } from 'kysely';
import type { Expression, Kysely, SqlBool } from 'kysely';
import { visible } from '../access/rights.ts';
import type { Database } from '../database.ts';
import { seenProduction } from '../inventory/productions.ts';
import type { Asker } from '../access/rights.ts';

/** Freezes with the names that records need. */
export const namedFreezes = (db: Kysely<Database>) =>
  db
    .selectFrom('deployFreezes')
    .leftJoin('applications', 'applications.id', 'deployFreezes.applicationId')
    .leftJoin('productions', 'productions.id', 'deployFreezes.productionId')
    .selectAll('deployFreezes')
    .select(['applications.fullName', 'productions.name as productionName']);

export type NamedFreeze = Awaited<ReturnType<ReturnType<typeof namedFreezes>['executeTakeFirstOrThrow']>>;

/** Freezes over everything, and over objects that the caller may view. */
export const freezesFor = (db: Kysely<Database>, asker: Asker) =>
  namedFreezes(db).where(
    sql<SqlBool>`(
      (deploy_freezes.application_id is null and deploy_freezes.production_id is null)
      or (deploy_freezes.application_id is not null
        and ${visible(asker.subject, 'application', 'view_app', 'deploy_freezes.application_id')})
      or (productions.id is not null and ${seenProduction(asker)}))`,
  );

/** Freezes that touch an application: its own, its production's, those over everything. */
export const touching = (applicationId: number): Expression<SqlBool> =>
  sql<SqlBool>`(deploy_freezes.application_id = ${applicationId}
    or deploy_freezes.production_id = (select production_id from applications where id = ${applicationId})
    or (deploy_freezes.application_id is null and deploy_freezes.production_id is null))`;

/** Freezes that are in force at a moment. */
export const inForce = (at: Date): Expression<SqlBool> =>
  sql<SqlBool>`(deploy_freezes.from_time <= ${at} and deploy_freezes.until_time > ${at})`;

/** Of the freezes over an application at a moment, the one that ends last. */
export const freezeOver = (
  db: Kysely<Database>,
  applicationId: number,
  at: Date,
): Promise<{ id: number; untilTime: Date } | undefined> =>
  db
    .selectFrom('deployFreezes')
    .select(['id', 'untilTime'])
    .where(touching(applicationId))
    .where(inForce(at))
    .orderBy('untilTime', 'desc')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
