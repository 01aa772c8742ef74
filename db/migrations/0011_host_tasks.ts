import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const statements = `
-- Where the provider has the machine: account, region, id; found once, then known.
alter table hosts add column place jsonb;

-- Who may not begin any more hosts of a task, and why a host failed, in both languages.
alter table tasks add column cancelled_by text;
alter table task_results add column problem jsonb;
alter table task_results add column warning jsonb;

-- A call that changes something outside: the row is there before it, its answer after it. A repetition looks here first.
create table host_calls (
  task_id bigint not null,
  position integer not null,
  way text not null check (way in ('guest', 'provider', 'local')),
  token text not null default gen_random_uuid()::text,
  asked_time timestamptz not null default clock_timestamp(),
  answered_time timestamptz,
  job text,
  note text,
  -- Since when the host is silent or not where it was: what shows that a restart went through.
  down_since timestamptz,
  primary key (task_id, position, way),
  foreign key (task_id, position) references task_results
);

create table shipped_packages (
  id bigint generated always as identity primary key,
  name text not null,
  type text not null check (type in ('zip', 'tar.gz', 'rpm')),
  maintainer text not null,
  description text not null default '',
  version text not null default '',
  source text not null,
  sha256 text,
  created_time timestamptz not null default now(),
  update_time timestamptz not null default now()
);
create unique index shipped_packages_name on shipped_packages (name, version);

-- Packages as an initialisation began with them.
create table task_packages (
  task_id bigint not null references tasks,
  seq integer not null,
  package_id bigint not null,
  name text not null,
  type text not null,
  version text not null,
  source text not null,
  sha256 text,
  primary key (task_id, seq)
);
create index task_packages_package on task_packages (package_id);

create index tasks_host_running on tasks (id) where area = 'host' and status = 'running';
create index task_results_hostname on task_results using gin (hostname gin_trgm_ops);
create index hosts_name_search on hosts using gin (name gin_trgm_ops) where deleted_time is null;
create index hosts_location_search on hosts using gin (location gin_trgm_ops) where deleted_time is null;
create index hosts_address_search on hosts
  using gin ((jsonb_path_query_array(ip_address, '$[*].address')::text) gin_trgm_ops) where deleted_time is null;
create index hosts_status on hosts (status, id) where deleted_time is null;
create index hosts_os_status on hosts (os_status, id) where deleted_time is null;
create index hosts_type on hosts (host_type, id) where deleted_time is null;
create index hosts_there on hosts (id) where deleted_time is null;
`;

/** Host tasks of every kind, shipped packages, and lists of a million hosts. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(db);
}
