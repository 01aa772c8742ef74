/** Work on machines, its results and its output. */
export const tasks = `
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
