import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const table = `
-- At most one link a user: a newer one takes the place of the older. Of its token only the hash is known.
create table password_links (
  user_id bigint primary key references users on delete cascade,
  token_hash bytea not null unique,
  kind text not null check (kind in ('reset', 'invitation')),
  email text not null,
  created_time timestamptz not null default now(),
  expires_time timestamptz not null
);
`;

/** The links by which a password is set without the present one. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(table).execute(db);
}
