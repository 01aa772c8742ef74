import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** The lowest level of deploy task that a policy accepts. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(`alter table approval_policies add column min_level text check (min_level in ('S', 'A', 'B', 'C', 'I'))`)
    .execute(db);
}
