import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const statements = `
-- Names and addresses as they are searched, in small letters: to make them small takes longer than to search them. They go
-- with the row, which is written anew once for both.
alter table hosts
  drop column addresses,
  add column addresses text not null generated always as
    (lower(translate(jsonb_path_query_array(ip_address, '$[*].address')::text, '.:', 'xy'))) stored,
  add column searched_name text not null generated always as (lower(name)) stored;
create index hosts_address_search on hosts using gin (addresses gin_trgm_ops) where deleted_time is null;
drop index hosts_name_search;
create index hosts_name_search on hosts using gin (searched_name gin_trgm_ops) where deleted_time is null;

-- All that is there, in the order of lists; of hosts with what filters ask that is true of many: an index that is read
-- until there are enough of them.
create index applications_there on applications (id) where deleted_time is null;
drop index hosts_there;
create index hosts_there on hosts (id) include (searched_name, status, os_status, host_type) where deleted_time is null;
`;

/** What long lists are looked up by; the table of hosts is written anew. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(db);
}
