import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const common = `
  id bigint generated always as identity primary key,
  creator_id bigint not null references users,
  purpose text not null default '',
  status text not null default 'wait_review'
    check (status in ('wait_review', 'approved', 'rejected', 'closed', 'finished')),
  error text,
  trouble jsonb,
  fulfilling boolean not null default false,
  required_approvals integer not null,
  policy jsonb not null,
  open_to jsonb not null,
  review_since timestamptz,
  changed_by_id bigint references users,
  escalated boolean not null default false,
  plan_round integer not null default 1,
  plan_hash text,
  seq integer not null default 0,
  created_time timestamptz not null default now(),
  updated_time timestamptz,
  finished_time timestamptz,
  closed_time timestamptz`;

const own: Record<string, string> = {
  host_requests: `
  expect_delivery_days integer not null,
  expiration_days integer,
  login_users jsonb not null default '[]',
  packages jsonb not null default '[]',
  hosts jsonb not null`,
  domain_requests: `
  applications jsonb not null default '[]',
  records jsonb not null`,
  certificate_requests: `
  applications jsonb not null default '[]',
  domain text not null,
  certificate_type text not null check (certificate_type in ('wizard', 'normal')),
  expect_delivery_days integer not null,
  auto_renew boolean not null default true`,
};

const tableOf = (name: string, columns: string): string => `
create table ${name} (${common},${columns}
);
create index ${name}_creator on ${name} (creator_id, id);
create index ${name}_status on ${name} (status, id);
create index ${name}_created on ${name} (created_time, id);
`;

const shared = `
-- Every plan a request ever had: round n is what the votes of round n were given to.
create table request_plans (
  kind text not null,
  request_id bigint not null,
  round integer not null,
  plan jsonb not null,
  created_time timestamptz not null default now(),
  primary key (kind, request_id, round)
);
-- What open requests ask for. The key lets only one of them ask for a thing.
create table request_claims (
  kind text not null,
  thing text not null,
  request_id bigint not null,
  primary key (kind, thing)
);
create index request_claims_request on request_claims (kind, request_id);
create index certificate_requests_domain on certificate_requests using gin (domain gin_trgm_ops);
create index domain_requests_records on domain_requests using gin ((records::text) gin_trgm_ops);
create index domain_requests_applications on domain_requests using gin (applications);
`;

/** Requests for hosts, domains and certificates. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const [name, columns] of Object.entries(own)) await sql.raw(tableOf(name, columns)).execute(db);
  await sql.raw(shared).execute(db);
}
