// Templates and the settings linked to them. Changes of templates or links are exclusive, also against changes of settings:
// one lock, taken before any row's, so that the order of row locks never matters.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { visible, type Subject } from '../access/rights.ts';
import type { Database } from '../database.ts';

const templatesLock = 0x736c_746d;

/** Keeps changes of templates, links and settings away until the end of the transaction. */
export const lockTemplates = (tx: Kysely<Database>) => sql`select pg_advisory_xact_lock(${templatesLock})`.execute(tx);

/** Keeps changes of templates and links away; other settings may change at the same time. */
export const holdTemplates = (tx: Kysely<Database>) =>
  sql`select pg_advisory_xact_lock_shared(${templatesLock})`.execute(tx);

/** Templates; everybody who may see one may see them all. */
export const selectTemplates = (db: Kysely<Database>) => db.selectFrom('deployTemplates').selectAll();

const selectLinked = (db: Kysely<Database>) =>
  db
    .selectFrom('deploySettings')
    .innerJoin('applications', 'applications.id', 'deploySettings.applicationId')
    .where('applications.deletedTime', 'is', null);

/** Pairs of a template and an application linked to it, as far as the caller may view it. */
export const linkedApplications = (db: Kysely<Database>, subject: Subject, templateIds: readonly number[]) =>
  selectLinked(db)
    .where('templateId', 'in', templateIds.length > 0 ? templateIds : [0])
    .where(visible(subject, 'application', 'view_app', 'deploySettings.applicationId'))
    .select(['templateId', 'applicationId'])
    .orderBy('applicationId')
    .execute();

/** Applications that are deployed to where a template says, hidden ones included. */
export async function deployedByTemplate(db: Kysely<Database>, templateId: number): Promise<number[]> {
  const rows = await selectLinked(db)
    .where('templateId', '=', templateId)
    .where('deployPath', 'is', null)
    .select('applicationId')
    .execute();
  return rows.map((row) => row.applicationId);
}

/** How many applications are linked to a template, hidden ones included. */
export async function countLinked(db: Kysely<Database>, templateId: number): Promise<number> {
  const { count } = await selectLinked(db)
    .where('templateId', '=', templateId)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}
