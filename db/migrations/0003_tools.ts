import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const table = `
create table external_navigators (
  id bigint generated always as identity primary key,
  name text not null,
  img text not null,
  url text not null,
  position integer not null default 0,
  creator text not null,
  created_time timestamptz not null default now()
);
create unique index external_navigators_name on external_navigators (lower(name));
`;

/** Links to other systems. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(table).execute(db);
}
