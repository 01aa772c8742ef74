import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const statements = `
-- Output over its limit keeps its beginning and its end. output_bytes counts the beginning, whose last line is output_head_seq
-- once it is full; the end begins with output_end_seq. The numbers between are of lines that are gone.
alter table tasks
  add column output_head_seq bigint,
  add column output_end_seq bigint,
  add column output_end_bytes bigint not null default 0,
  add column output_gone_bytes bigint not null default 0;
`;

/** Tasks keep the end of their output too. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(db);
}
