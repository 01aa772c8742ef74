import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const table = `
-- What verifications of the audit chain found, so that every process can tell it in its metrics.
create table audit_verifications (
  id bigint generated always as identity primary key,
  ok boolean not null,
  whole boolean not null,
  result jsonb not null,
  time timestamptz not null default now()
);
`;

/** The results of verifications. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(table).execute(db);
}
