import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';

/** How many findings imports have, by import and difference, and how many of them became hosts. */
export async function countFindings(db: Kysely<Database>, importIds: readonly number[]) {
  if (importIds.length === 0) return [];
  return db
    .selectFrom('hostImportFindings')
    .select(['importId', 'difference', sql<number>`count(*)`.as('count')])
    .select(sql<number>`count(adopted_time)`.as('adopted'))
    .where('importId', 'in', importIds)
    .groupBy(['importId', 'difference'])
    .execute();
}
