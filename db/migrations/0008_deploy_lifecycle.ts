import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const changes = `
create table deploy_freezes (
  id bigint generated always as identity primary key,
  application_id bigint references applications,
  production_id bigint references productions on delete cascade,
  from_time timestamptz not null,
  until_time timestamptz not null,
  reason text not null,
  creator text not null,
  created_time timestamptz not null default now(),
  check (from_time < until_time),
  check (application_id is null or production_id is null)
);
create index deploy_freezes_until on deploy_freezes (until_time);
create index deploy_freezes_application on deploy_freezes (application_id);
create index deploy_freezes_production on deploy_freezes (production_id);

-- strategy: null is manual. held_by: the freeze that a start or a rollout waits for, gone or not.
-- trouble: why it did not go on by itself. next_batch_time: when the pause between two batches ends.
alter table deploy_tasks
  add column auto_start boolean not null default false,
  add column strategy jsonb,
  add column paused boolean not null default false,
  add column held_by bigint,
  add column trouble text,
  add column next_batch_time timestamptz;
create index deploy_tasks_waiting on deploy_tasks (application_id) where status = 'approved' and (auto_start or held_by is not null);
`;

/** Freezes, and what a deploy task does by itself: its start, its batches. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(changes).execute(db);
}
