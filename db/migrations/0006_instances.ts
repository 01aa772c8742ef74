import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const tables = `
-- Reads on hosts that an API process waits for and a worker carries out. Unlogged: what is read (text of logs) reaches
-- neither the write-ahead log nor a backup, and after a crash nobody waits any more.
create unlogged table host_reads (
  id bigint generated always as identity primary key,
  host_id bigint not null references hosts,
  request jsonb not null,
  is_claimed boolean not null default false,
  answer jsonb,
  content bytea,
  expires_time timestamptz not null
);
`;

/** Reads on hosts for the API. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(tables).execute(db);
}
