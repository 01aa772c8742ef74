import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const table = `
-- Identical refusals of the present hour: how many there were; see db/audit/refusals.ts.
create table audit_refusals (
  key text primary key,
  actor jsonb not null,
  entry jsonb not null,
  count integer not null default 1,
  since timestamptz not null default now()
);
create index audit_refusals_since on audit_refusals (since);
`;

/** The counters of refusals that are not written out one by one. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(table).execute(db);
}
