import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const statements = `
-- Every place that a host is in or was in: the filter by location searches these few texts, and an index finds their hosts.
create table host_locations (location text primary key);
insert into host_locations select distinct location from hosts;
create index host_locations_search on host_locations using gin (location gin_trgm_ops);
drop index hosts_location_search;
create index hosts_location on hosts (location, id) where deleted_time is null;

create function note_host_location() returns trigger language plpgsql as $$
begin
  insert into host_locations values (new.location) on conflict do nothing;
  return null;
end $$;
create trigger hosts_location_noted after insert or update of location on hosts
  for each row execute function note_host_location();
`;

/** The places of hosts, noted by the table of hosts itself. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(db);
}
