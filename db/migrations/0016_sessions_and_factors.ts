import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const tables = `
-- Sessions are shown to their users: by an id that is no secret, with the client they were begun from.
alter table sessions add id bigint generated always as identity unique;
alter table sessions add user_agent text;

-- Whether a login of this user needs a code; beside the other facts that every request reads of him.
alter table users add second_factor boolean not null default false;

-- One generator of codes a user; until it is confirmed by a code it counts for nothing.
create table second_factors (
  user_id bigint primary key references users,
  secret jsonb not null,
  created_time timestamptz not null,
  confirmed_time timestamptz,
  -- The time step of the last code that was taken: none is taken twice, nor an older one.
  last_step bigint not null default 0
);

create table recovery_codes (
  user_id bigint not null references users,
  code_hash bytea not null,
  primary key (user_id, code_hash)
);

-- A login whose password was right and whose code is waited for. Of its ticket only the hash is known.
create table pending_logins (
  ticket_hash bytea primary key,
  user_id bigint not null references users,
  expires_time timestamptz not null
);
create index pending_logins_user on pending_logins (user_id);
`;

/** What makes sessions known to their users, and the second factor of a login. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(tables).execute(db);
}
