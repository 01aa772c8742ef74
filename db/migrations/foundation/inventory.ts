/** What the company runs, and where. */
export const inventory = `
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
