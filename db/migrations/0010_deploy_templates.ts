import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const tables = `
create table deploy_templates (
  id bigint generated always as identity primary key,
  name text not null,
  enabled boolean not null default true,
  creator text not null,
  created_time timestamptz not null default now(),
  repository jsonb,
  deploy_path text not null,
  timeout_seconds integer not null,
  keep_backups integer not null,
  lifecycle_hooks jsonb not null default '{}'
);
create unique index deploy_templates_name on deploy_templates (name);
create index deploy_templates_name_search on deploy_templates using gin (name gin_trgm_ops);

-- Settings of deleted applications keep their link; it goes with the template.
alter table deploy_settings add column template_id bigint references deploy_templates on delete set null;
create index deploy_settings_template on deploy_settings (template_id) where template_id is not null;
`;

/** Templates of deploy settings, and the links to them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(tables).execute(db);
}
