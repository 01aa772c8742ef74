import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const statements = `
-- When a host was last asked to drop what it keeps of ended tasks. A table of its own: the rows of hosts are wide, and what
-- is noted here is no change of a host.
create table host_sweeps (
  host_id bigint primary key references hosts,
  asked_time timestamptz not null,
  -- Of tasks that had ended before it there is nothing on the host any more.
  swept_before timestamptz
);
`;

/** How far hosts are rid of the jobs of ended tasks. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(db);
}
