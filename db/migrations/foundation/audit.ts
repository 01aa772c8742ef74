/** The append-only record and its chain. */
export const audit = `
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
