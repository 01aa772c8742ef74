/** What carries work and answers from one process to another. */
export const plumbing = `
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
