import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const access = `
create table users (
  id bigint generated always as identity primary key,
  username text not null unique,
  name text not null,
  email text not null,
  phone text not null default '',
  status text not null default 'enabled' check (status in ('enabled', 'disabled')),
  password_hash text,
  must_change_password boolean not null default false,
  created_time timestamptz not null default now(),
  last_login_time timestamptz
);
create unique index users_email on users (lower(email));

create table roles (
  id bigint generated always as identity primary key,
  name text not null,
  description text not null default '',
  builtin boolean not null default false,
  creator text not null,
  created_time timestamptz not null default now()
);
create unique index roles_name on roles (lower(name));
insert into roles (name, description, builtin, creator) values ('admin', 'holds every permission', true, 'system');

create table user_roles (
  user_id bigint not null references users,
  role_id bigint not null references roles on delete cascade,
  primary key (user_id, role_id)
);
create index user_roles_role on user_roles (role_id);

create table sessions (
  id_hash bytea primary key,
  user_id bigint not null references users,
  csrf_token text not null,
  remote_addr text,
  created_time timestamptz not null default now(),
  last_seen_time timestamptz not null default now(),
  expires_time timestamptz not null
);
create index sessions_user on sessions (user_id);

create table auth_tokens (
  id bigint generated always as identity primary key,
  user_id bigint not null references users,
  name text not null,
  description text not null default '',
  value_hash bytea not null unique,
  last_four text not null,
  created_time timestamptz not null default now(),
  last_used_time timestamptz,
  expires_time timestamptz,
  unique (user_id, name)
);

-- What counts towards a rate limit, shared by every API process.
create table rate_events (
  key text not null,
  time timestamptz not null default now()
);
create index rate_events_key on rate_events (key, time);

-- One row a grant: to a user or to a role, on an application, on a host, or (object 0) for a system module.
create table grants (
  id bigint generated always as identity primary key,
  user_id bigint references users,
  role_id bigint references roles on delete cascade,
  scope text not null check (scope in ('application', 'host', 'system')),
  object_id bigint not null default 0,
  permission text not null,
  check ((user_id is null) <> (role_id is null)),
  unique nulls not distinct (user_id, role_id, scope, object_id, permission)
);
create index grants_object on grants (scope, object_id, permission);
create index grants_role on grants (role_id, scope);
`;

const inventory = `
create table productions (
  id bigint generated always as identity primary key,
  name text not null,
  description text not null default '',
  creator text not null,
  created_time timestamptz not null default now()
);
create unique index productions_name on productions (lower(name));

create table applications (
  id bigint generated always as identity primary key,
  name text not null,
  parent_id bigint references applications,
  full_name text not null,
  description text not null default '',
  application_type text not null default '',
  run_user text not null default 'work',
  directory text not null default '',
  startup_cmd text not null default '',
  stop_cmd text not null default '',
  stdout_path text not null default '',
  stderr_path text not null default '',
  pid_path text not null default '',
  production_id bigint references productions,
  creator text not null,
  created_time timestamptz not null default now(),
  updated_time timestamptz not null default now(),
  deleted_time timestamptz
);
create unique index applications_sibling on applications (coalesce(parent_id, 0), name) where deleted_time is null;
create index applications_parent on applications (parent_id);
create index applications_production on applications (production_id) where production_id is not null;

-- Who answers for an application, in which role; it grants nothing.
create table response_persons (
  application_id bigint not null references applications,
  user_id bigint not null references users,
  type text not null check (type in ('dev', 'ops', 'qa', 'pm')),
  primary key (application_id, user_id, type)
);
create index response_persons_user on response_persons (user_id);

create table required_apps (
  application_id bigint not null references applications,
  required_id bigint not null references applications,
  primary key (application_id, required_id),
  check (application_id <> required_id)
);
create index required_apps_required on required_apps (required_id);

create sequence ip_address_ids;
create table hosts (
  id bigint generated always as identity primary key,
  name text not null,
  host_type text not null,
  status text not null default 'raw' check (status in ('raw', 'inited', 'attached', 'offline')),
  os_status text check (os_status in ('stopped', 'running', 'restarting')),
  os_type text not null default '',
  cpu integer,
  memory integer,
  location text not null default '',
  ip_address jsonb not null default '[]',
  description text not null default '',
  provider_id text,
  runner text not null default 'salt' check (runner in ('salt', 'ssh', 'local')),
  minion_id text,
  ipmi jsonb,
  zabbix_groups jsonb not null default '[]',
  zabbix_templates jsonb not null default '[]',
  busy_kind text,
  busy_task_id bigint,
  expires_at timestamptz,
  creator text not null,
  created_time timestamptz not null default now(),
  updated_time timestamptz not null default now(),
  deleted_time timestamptz
);
create unique index hosts_name on hosts (lower(name)) where deleted_time is null;
create unique index hosts_provider on hosts (host_type, provider_id) where deleted_time is null;

create table instances (
  id bigint generated always as identity primary key,
  application_id bigint not null references applications,
  host_id bigint not null references hosts,
  status text not null default 'stopped'
    check (status in ('stopped', 'running', 'restarting', 'updating', 'reverting')),
  version text,
  releases jsonb not null default '[]',
  busy_kind text,
  busy_task_id bigint,
  created_time timestamptz not null default now(),
  updated_time timestamptz not null default now(),
  unique (application_id, host_id)
);
create index instances_host on instances (host_id);
`;

const deploy = `
create table deploy_scripts (
  id bigint generated always as identity primary key,
  name text not null unique,
  creator text not null,
  language text not null check (language in ('bash', 'python')),
  content text not null,
  template_engine text not null default 'jinja',
  created_time timestamptz not null default now(),
  update_time timestamptz not null default now()
);

-- secret: an envelope (secrets.ts), never plain text.
create table repository_credentials (
  id bigint generated always as identity primary key,
  user_id bigint not null references users,
  name text not null,
  type text not null check (type in ('PASSWORD', 'SSH_PRIVATE_KEY')),
  username text not null,
  secret jsonb not null,
  fingerprint text,
  public_key text,
  created_time timestamptz not null default now()
);
create index repository_credentials_user on repository_credentials (user_id);

-- Null in a setting means the default; the row is there from the application's creation.
create table deploy_settings (
  application_id bigint primary key references applications,
  enabled boolean not null default true,
  creator text not null,
  repository jsonb,
  deploy_path text,
  script_running_user text,
  timeout_seconds integer,
  keep_backups integer,
  lifecycle_hooks jsonb not null default '{}'
);

create table deploy_tasks (
  id bigint generated by default as identity primary key,
  application_id bigint not null references applications,
  creator_id bigint not null references users,
  owner_id bigint not null references users,
  version text not null,
  description text not null default '',
  level text not null check (level in ('S', 'A', 'B', 'C', 'I')),
  package_source text not null,
  planned_exec_time timestamptz not null,
  upgrade_checklist text not null default '',
  upgrade_steps text not null default '',
  rollback_steps text not null default '',
  status text not null default 'wait_review'
    check (status in ('wait_review', 'approved', 'running', 'finished', 'failed', 'rejected', 'closed')),
  error text,
  required_approvals integer not null,
  plan_round integer not null default 1,
  plan_hash text,
  seq integer not null default 0,
  created_time timestamptz not null default now(),
  started_time timestamptz,
  finished_time timestamptz
);
create unique index deploy_tasks_one_running on deploy_tasks (application_id) where status = 'running';
create index deploy_tasks_application on deploy_tasks (application_id, id);
create index deploy_tasks_creator on deploy_tasks (creator_id, id);
create index deploy_tasks_owner on deploy_tasks (owner_id, id);
create index deploy_tasks_status on deploy_tasks (status, id);
create index deploy_tasks_level on deploy_tasks (level, id);
create index deploy_tasks_created on deploy_tasks (created_time, id);
create index deploy_tasks_version on deploy_tasks using gin (version gin_trgm_ops);

-- Every plan a request ever had: round n is what the votes of round n were given to.
create table deploy_plans (
  deploy_task_id bigint not null references deploy_tasks,
  round integer not null,
  plan jsonb not null,
  created_time timestamptz not null default now(),
  primary key (deploy_task_id, round)
);

-- Shared by every kind of request that is approved: kind is the workflow's (deploy_task, host_request, …).
create table votes (
  kind text not null,
  request_id bigint not null,
  round integer not null,
  user_id bigint not null references users,
  plan_hash text,
  channel text not null,
  time timestamptz not null default now(),
  primary key (kind, request_id, round, user_id)
);
create table delegations (
  id bigint generated always as identity primary key,
  kind text not null,
  request_id bigint not null,
  from_id bigint not null references users,
  to_id bigint not null references users,
  phase text not null check (phase in ('review', 'ownership')),
  time timestamptz not null default now()
);
create index delegations_request on delegations (kind, request_id);
create table request_events (
  id bigint generated always as identity primary key,
  kind text not null,
  request_id bigint not null,
  event text not null,
  by text not null,
  reason text,
  channel text not null,
  time timestamptz not null default now()
);
create index request_events_request on request_events (kind, request_id, id);
`;

const tasks = `
-- Work on machines: sub-tasks of a deploy task, instance tasks, host tasks. One sequence of ids, so that
-- /ws/tasks/{task_id}/output needs no kind.
create table tasks (
  id bigint generated always as identity primary key,
  area text not null check (area in ('deploy', 'instance', 'host')),
  kind text not null,
  deploy_task_id bigint references deploy_tasks,
  number integer,
  application_id bigint references applications,
  creator text not null,
  status text not null default 'running' check (status in ('running', 'finished', 'failed')),
  version text,
  update_source text,
  timeout_seconds integer not null,
  opts jsonb not null default '{}',
  error text,
  created_time timestamptz not null default now(),
  finished_time timestamptz,
  output_seq bigint not null default 0,
  output_bytes bigint not null default 0
);
create unique index tasks_deploy on tasks (deploy_task_id, number) where deploy_task_id is not null;
create index tasks_finished on tasks (finished_time) where finished_time is not null;
create index tasks_area on tasks (area, kind, id);
create index tasks_application on tasks (application_id, id) where application_id is not null;

create table task_results (
  task_id bigint not null references tasks,
  position integer not null,
  instance_id bigint,
  host_id bigint not null references hosts,
  hostname text not null,
  status text not null default 'waiting'
    check (status in ('waiting', 'running', 'finished', 'failed', 'unknown')),
  step text,
  previous_version text,
  previous_status text,
  error_code integer,
  message text,
  started timestamptz,
  finished timestamptz,
  primary key (task_id, position)
);
create index task_results_host on task_results (host_id, task_id);

-- The hooks of a sub-task as they were rendered for it; position is that of task_results.
create table task_scripts (
  task_id bigint not null references tasks,
  position integer not null,
  step text not null,
  language text not null,
  content text not null,
  running_user text,
  primary key (task_id, position, step)
);

create table task_output (
  task_id bigint not null references tasks,
  seq bigint not null,
  time timestamptz not null default now(),
  instance_id bigint,
  host text not null,
  step text not null,
  stream text not null check (stream in ('stdout', 'stderr', 'system')),
  text text not null,
  primary key (task_id, seq)
);
-- How far each source (a job's stream) has been copied into task_output; moved in the same transaction as the lines.
create table task_output_cursors (
  task_id bigint not null references tasks,
  source text not null,
  position bigint not null,
  primary key (task_id, source)
);
`;

const plumbing = `
create table outbox (
  id bigint generated always as identity primary key,
  topic text not null,
  payload jsonb not null,
  created_time timestamptz not null default now(),
  attempts integer not null default 0,
  next_attempt_time timestamptz not null default now(),
  last_error text
);
create index outbox_due on outbox (next_attempt_time);

create table idempotency_keys (
  user_id bigint not null references users,
  key text not null,
  request_hash text not null,
  status integer,
  response jsonb,
  created_time timestamptz not null default now(),
  primary key (user_id, key)
);
create index idempotency_keys_created on idempotency_keys (created_time);

create table used_tickets (
  nonce text primary key,
  expires_time timestamptz not null
);
`;

const audit = `
create table audit_records (
  id bigint generated always as identity,
  op_time timestamptz(3) not null default clock_timestamp(),
  view text not null check (view in ('dns', 'host', 'app', 'modules', 'resources', 'operations')),
  operator text not null,
  area text not null,
  op_type text not null,
  op_target text,
  target_type text not null,
  target_id bigint,
  target_name text,
  detail_en text not null,
  detail_zh text not null,
  module_name text,
  perm_name text,
  action text,
  authorized_target_type text,
  authorized_target_name text,
  outcome text not null default 'success' check (outcome in ('success', 'refused')),
  channel text not null,
  remote_addr text,
  request_id text,
  token_id bigint,
  message_id text,
  changes jsonb,
  primary key (id, op_time)
) partition by range (op_time);
create index audit_records_view on audit_records (view, id);
create index audit_records_operator on audit_records (operator, id);
create index audit_records_target on audit_records (target_type, target_id, id);

create table audit_chain (
  position bigint primary key,
  record_id bigint not null unique,
  op_time timestamptz(3) not null,
  prev_hash text not null,
  hash text not null
);
create table audit_anchors (
  id bigint generated always as identity primary key,
  position bigint not null,
  hash text not null,
  time timestamptz not null default now()
);

create function audit_is_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'audit tables are append only: % on % is refused', tg_op, tg_table_name using errcode = '42501';
end $$;

do $$
declare year integer; part text;
begin
  for year in 2026..2055 loop
    part := 'audit_records_' || year;
    execute format('create table %I partition of audit_records for values from (%L) to (%L)',
      part, year || '-01-01 00:00:00+00', (year + 1) || '-01-01 00:00:00+00');
    execute format('create trigger no_truncate before truncate on %I execute function audit_is_append_only()', part);
  end loop;
end $$;
create trigger no_change before update or delete on audit_records
  for each row execute function audit_is_append_only();
create trigger no_truncate before truncate on audit_records execute function audit_is_append_only();
create trigger no_change before update or delete on audit_chain
  for each row execute function audit_is_append_only();
create trigger no_truncate before truncate on audit_chain execute function audit_is_append_only();
create trigger no_change before update or delete on audit_anchors
  for each row execute function audit_is_append_only();
create trigger no_truncate before truncate on audit_anchors execute function audit_is_append_only();
`;

/** The tables of the foundation: access, inventory, deploy, tasks with output, audit, outbox. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const parts = ['create extension if not exists pg_trgm;', access, inventory, deploy, tasks, plumbing, audit];
  for (const part of parts) await sql.raw(part).execute(db);
}
