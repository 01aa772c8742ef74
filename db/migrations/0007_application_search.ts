import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const indexes = `
create index applications_name_search on applications using gin (name gin_trgm_ops) where deleted_time is null;
create index applications_full_name_search on applications using gin (full_name gin_trgm_ops) where deleted_time is null;
create index applications_type_search on applications using gin (application_type gin_trgm_ops)
  where deleted_time is null;
`;

/** Indexes of three letters in a row, for filters that match anywhere in a text. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(indexes).execute(db);
}
