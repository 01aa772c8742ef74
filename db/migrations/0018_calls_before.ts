import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const statements = `
-- What the provider knew the host's last restart by before the call: when its answer is lost, what changed since tells.
alter table host_calls add column last text;
`;

/** What there was before a call. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(db);
}
