import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const changes = `
alter table deploy_settings add column start_seconds integer, add column stop_seconds integer;

alter table instances drop constraint instances_status_check;
alter table instances add constraint instances_status_check
  check (status in ('stopped', 'running', 'restarting', 'updating', 'reverting', 'unknown'));
`;

/** How long a start and a stop of an application may take, and instances of which nobody knows whether they run. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(changes).execute(db);
}
