import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const statements = `
-- A new address of a user, which counts when a link that was mailed to it has been followed. Of its token only the hash is
-- known; there is none before the mail is sent. A newer wish takes the place of the older.
create table email_changes (
  user_id bigint primary key references users,
  email text not null,
  token_hash bytea unique,
  created_time timestamptz not null default now(),
  expires_time timestamptz not null
);

-- No token lives for ever: those that were made to do so have a year left.
update auth_tokens set expires_time = now() + interval '366 days'
  where expires_time is null or expires_time > now() + interval '366 days';

-- Who may write to the database is not believed about the audit chain: a result counts by its keyed hash.
alter table audit_verifications add mac text;
`;

/** What accounts are recovered by, ends of tokens, and proof of verifications. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(db);
}
