import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const tables = `
-- steps: [{"groups": [{"role": id or null, "users": [ids] or null, "count": n}]}]. Roles and users in it, and the roles
-- beside it, are looked up when the policy is copied into a request.
create table approval_policies (
  id bigint generated always as identity primary key,
  name text not null,
  kind text not null check (kind in ('deploy_task', 'host_request', 'domain_request', 'certificate_request')),
  levels jsonb not null default '[]',
  application_id bigint references applications,
  production_id bigint references productions,
  steps jsonb not null,
  creator_may_vote boolean not null default false,
  escalate_after_hours integer,
  escalate_to bigint references roles,
  expire_after_hours integer,
  break_glass bigint references roles,
  enabled boolean not null default true,
  creator text not null,
  created_time timestamptz not null default now(),
  updated_time timestamptz not null default now(),
  check (application_id is null or production_id is null)
);
create unique index approval_policies_name on approval_policies (lower(name));

-- policy: as it was when the task was made; null in tasks from before. open_to: whose votes would count now.
alter table deploy_tasks
  add column policy jsonb,
  add column open_to jsonb not null default '{"anyone": true, "roles": [], "users": []}',
  add column review_since timestamptz,
  add column changed_by_id bigint references users,
  add column escalated boolean not null default false,
  add column broke_glass_by_id bigint references users;
create index deploy_tasks_unlooked on deploy_tasks (id)
  where broke_glass_by_id is not null and (open_to->>'anyone')::boolean;

-- What a voter was when he voted, and the step that was open.
alter table votes
  add column step integer not null default 0,
  add column voter jsonb;
`;

/** Approval policies, and what a request keeps of its own. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(tables).execute(db);
}
