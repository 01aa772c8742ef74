import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const statements = `
drop index hosts_address_parts;
drop index hosts_number_starts;
drop function address_parts(text);
drop function number_starts(text);
create index hosts_address_search on hosts using gin (addresses gin_trgm_ops) where deleted_time is null;
`;

/** Hosts are found by trigrams of their names and addresses alone. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(db);
}
