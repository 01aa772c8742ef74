import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const statements = `
-- How far what is kept for a time only may be removed in this hour: a wrong clock costs a day of it and not all.
create table deletion_windows (
  kind text primary key,
  taken_time timestamptz not null,
  until timestamptz not null
);

-- Hosts are rid of what they keep of ended tasks in the order in which those ended.
insert into deletion_windows (kind, taken_time, until)
  select 'host_jobs', now(), max(swept_before) from host_sweeps having max(swept_before) is not null;

-- Written and undone to see whether the database can write; holds nothing.
create table write_probes (time timestamptz not null);
`;

/** What bounds deletions by age, and tells whether writes are possible. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(db);
}
