// Seeds deploy tasks by the million in SQL: three years of 1,000 applications, nearly all long finished, each with its vote
// and its sub-task. Foreign keys are not checked meanwhile.
import { sql } from 'kysely';
import { connect } from '../db/core/connect.ts';
import { grant, person } from './estate.ts';
import type { BenchPerson } from './estate.ts';

export interface Seeded {
  admin: BenchPerson;
  /** May view and review 50 of the 1,000 applications. */
  limited: BenchPerson;
  /** An application that `limited` may view. */
  applicationId: number;
}

const applications = 1_000;
const users = 200;

/** Fills an empty database with `count` deploy tasks. */
export async function seed(databaseUrl: string, count: number): Promise<Seeded> {
  const db = connect(databaseUrl, { max: 1, applicationName: 'bench', queryTimeoutMs: 0 });
  try {
    const admin = await person(db, 'root', { admin: true });
    const limited = await person(db, 'limited');
    for (const statement of statements(count)) await sql.raw(statement).execute(db);
    const ids = Array.from({ length: 50 }, (_, index) => index * 20 + 7);
    await grant(db, limited.id, ['view_app', 'review_app_deploy_task'], ids);
    return { admin, limited, applicationId: 7 };
  } finally {
    await db.destroy();
  }
}

/** From 0, deterministic in `i`; each `salt` is independent of the others. */
const pick = (salt: number, choices: number): string =>
  `((hashint8extended(i, ${salt}) & 2147483647) % ${choices})::int`;

const statements = (count: number): string[] => [
  'set statement_timeout = 0',
  'set session_replication_role = replica',
  'set synchronous_commit = off',
  "set maintenance_work_mem = '256MB'",
  `insert into users (username, name, email)
     select 'user-' || i, 'User ' || i, 'user-' || i || '@example.com' from generate_series(1, ${users}) i`,
  `insert into applications (name, full_name, creator)
     select 'app-' || i, 'shop.app-' || i, 'bench' from generate_series(1, ${applications}) i`,
  `insert into hosts (name, host_type, creator) select 'host-' || i, 'PHY_HOST', 'bench' from generate_series(1, 300) i`,
  `insert into instances (application_id, host_id, version, status)
     select a, 1 + (a * 3 + i) % 300, '1.2.3', 'running' from generate_series(1, ${applications}) a, generate_series(1, 3) i`,
  // Open tasks have no workflow here; an error keeps the reconciler away from them.
  `insert into deploy_tasks (application_id, creator_id, owner_id, version, description, level, package_source,
       planned_exec_time, status, error, required_approvals, plan_hash, created_time, started_time, finished_time)
     select 1 + ${pick(1, applications)}, 3 + ${pick(2, users)}, 3 + ${pick(2, users)},
       (i / 10000) || '.' || ${pick(3, 200)} || '.' || ${pick(4, 50)}, 'what changes in number ' || i,
       (array['S', 'A', 'A', 'B', 'B', 'B', 'B', 'C', 'C', 'I'])[1 + ${pick(5, 10)}], '/packages/app-' || i || '.tar.gz',
       t, case when i % 1000 = 1 then 'wait_review' when i % 1000 = 2 then 'approved' when i % 20 = 3 then 'failed'
         when i % 30 = 4 then 'closed' else 'finished' end,
       case when i % 1000 in (1, 2) then 'seeded' end, 1, md5(i::text), t, t, t
     from generate_series(1::bigint, ${count}) i,
       lateral (select now() - interval '3 years' * (1 - i::float / ${count}) as t) x`,
  `insert into votes (kind, request_id, round, user_id, plan_hash, channel)
     select 'deploy_task', id, 1, 3 + (id * 17) % ${users}, plan_hash, 'token' from deploy_tasks where status <> 'wait_review'`,
  `insert into tasks (area, kind, deploy_task_id, number, application_id, creator, status, version, timeout_seconds)
     select 'deploy', 'upgrade', id, 1, application_id, 'bench', 'finished', version, 120 from deploy_tasks
     where status in ('finished', 'failed') and id % 4 = 0`,
  'set session_replication_role = origin',
  'vacuum analyze',
];
