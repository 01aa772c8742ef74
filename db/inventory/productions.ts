import { sql } from 'kysely';
import type { Expression, Kysely, SqlBool } from 'kysely';
import { holds, visible, type Asker } from '../access/rights.ts';
import type { Database } from '../database.ts';

/** A condition for productions that the caller may view: all, their own, and those of an application they may view. */
export function seenProduction({ subject, username }: Asker): Expression<SqlBool> {
  if (holds(subject, 'view_business')) return sql<SqlBool>`true`;
  return sql<SqlBool>`(productions.creator = ${username} or exists (
    select from applications where applications.production_id = productions.id and applications.deleted_time is null
    and ${visible(subject, 'application', 'view_app', 'applications.id')}))`;
}

/** Productions that the caller may view. */
export const selectProductions = (db: Kysely<Database>, asker: Asker) =>
  db.selectFrom('productions').selectAll('productions').where(seenProduction(asker));

/** A production that the caller may view. */
export const findProduction = (db: Kysely<Database>, asker: Asker, id: number) =>
  selectProductions(db, asker).where('productions.id', '=', id).executeTakeFirst();

/** How many applications a production has. */
export async function applicationsIn(db: Kysely<Database>, productionId: number): Promise<number> {
  const { count } = await db
    .selectFrom('applications')
    .where('productionId', '=', productionId)
    .where('deletedTime', 'is', null)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}
