import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const tables = `
-- A look at what providers have, compared with the inventory. Nothing is changed by it but its own rows.
create table host_imports (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('import', 'sync')),
  sources jsonb not null,
  adopt boolean not null default false,
  status text not null default 'running' check (status in ('running', 'adopting', 'finished', 'failed')),
  errors jsonb not null default '[]',
  adoptions integer not null default 0,
  creator text not null,
  created_time timestamptz not null default now(),
  finished_time timestamptz
);

create table host_import_findings (
  id bigint generated always as identity primary key,
  import_id bigint not null references host_imports on delete cascade,
  source text not null,
  host_type text not null,
  -- The provider's id, or the minion's: a page that is read twice is one.
  key text not null,
  provider_id text,
  account text not null default '',
  region text not null default '',
  name text not null,
  os_status text,
  os_type text not null default '',
  cpu integer,
  memory integer,
  location text not null default '',
  addresses jsonb not null default '[]',
  minion_id text,
  difference text check (difference in ('new', 'known', 'changed', 'missing')),
  host_id bigint references hosts,
  changes jsonb not null default '{}',
  wanted boolean not null default false,
  adopted_time timestamptz,
  note text,
  unique (import_id, host_type, key)
);
create index host_import_findings_difference on host_import_findings (import_id, difference, id);
`;

/** Imports of hosts: what was found at providers, and what became of it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(tables).execute(db);
}
