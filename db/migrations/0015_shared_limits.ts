import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const statements = `
-- When the next call of an account at a provider may be made: workers keep its rate together. What a crash of the database
-- loses of it is of no use afterwards.
create unlogged table provider_turns (
  key text primary key,
  next_time timestamptz not null
);
-- How many attempts have gone on from a call's intent: one that was certainly not made is withdrawn by its only one.
alter table host_calls add column attempts integer not null default 1;
`;

/** Limits that all workers keep together, and calls that were not made. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(db);
}
