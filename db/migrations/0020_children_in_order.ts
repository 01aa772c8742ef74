import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const statements = `
drop index applications_parent;
create index applications_parent on applications (parent_id, id);
`;

/** The children of an application in the order of lists, so that one plan does for few of them and for many. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(db);
}
