import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const statements = `
drop index hosts_address_parts;
drop index hosts_number_starts;
drop function address_parts(text);
drop function number_starts(text);
create index hosts_address_search on hosts using gin (addresses gin_trgm_ops) where deleted_time is null;

-- With addresses: a list beyond its cap is walked in this index, without reading the table.
drop index hosts_there;
create index hosts_there on hosts (id) include (searched_name, addresses, status, os_status, host_type)
  where deleted_time is null;
`;

/** Hosts are found by trigrams alone, and walked in one index. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(db);
}
