import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const statements = `
-- Tells every process that somebody may have lost a right, so that what goes on for them is asked about again at once. By
-- statement, and of one transaction once: whose right it was is looked up by those who need to know.
create function notify_rights() returns trigger language plpgsql as $$
begin
  perform pg_notify('rights', '');
  return null;
end $$;
create trigger notify_rights after delete on grants for each statement execute function notify_rights();
create trigger notify_rights after delete on user_roles for each statement execute function notify_rights();
create trigger notify_rights after delete on sessions for each statement execute function notify_rights();
create trigger notify_rights after delete on auth_tokens for each statement execute function notify_rights();
create trigger notify_rights after update of status on users for each statement execute function notify_rights();
create trigger notify_rights after update of deleted_time on applications
  for each statement execute function notify_rights();
create trigger notify_rights after update of deleted_time on hosts for each statement execute function notify_rights();
`;

/** What tells of lost rights. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(db);
}
