/** Who there is and what he may do. */
export const access = `
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
