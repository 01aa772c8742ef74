// Seeds the application tree of a large company in SQL: all levels equally wide, each parent any application of the level
// above. Bypasses the API, which limits trees to ten levels; the tables do not.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { connect } from '../db/core/connect.ts';
import type { Database } from '../db/database.ts';
import { grant, person } from './estate.ts';
import type { BenchPerson } from './estate.ts';

export interface SeededTree {
  admin: BenchPerson;
  /** May view 200 of the applications, by direct grants. */
  limited: BenchPerson;
  /** An application whose children both users may view. */
  parent: number;
}

const users = 500;
const roles = 20;
const productions = 50;
const granted = 200;

/** Fills an empty database with `count` applications on `levels` levels. */
export async function seedTree(databaseUrl: string, count: number, levels: number): Promise<SeededTree> {
  const db = connect(databaseUrl, { max: 1, applicationName: 'bench', queryTimeoutMs: 0 });
  try {
    const admin = await person(db, 'root', { admin: true });
    const limited = await person(db, 'limited');
    for (const statement of statements(count, levels)) await sql.raw(statement).execute(db);
    const { parent, ids } = await family(db, Math.ceil(levels / 2));
    await grant(db, limited.id, ['view_app', 'deploy_app'], ids);
    await sql.raw('vacuum analyze').execute(db);
    return { admin, limited, parent };
  } finally {
    await db.destroy();
  }
}

/** An application in the middle of the tree, its children, and others up to the number granted. */
async function family(db: Kysely<Database>, level: number): Promise<{ parent: number; ids: number[] }> {
  const { rows } = await sql<{ id: number; children: number[] }>`
    select parent_id as id, array_agg(id) as children from applications
    where parent_id is not null and full_name like ${`${'%.'.repeat(level)}%`}
    group by parent_id order by count(*) desc, parent_id limit 1`.execute(db);
  const [{ id: parent, children } = { id: 1, children: [] }] = rows;
  const others = await sql<{ id: number }>`
    select id from applications where id <> all(${[parent, ...children.map(Number)]}::bigint[])
    order by hashint8(id) limit ${granted - 1 - children.length}`.execute(db);
  return { parent, ids: [parent, ...children.map(Number), ...others.rows.map(({ id }) => id)] };
}

/** From 0, deterministic in `i`; each `salt` is independent of the others. */
const pick = (salt: number, choices: number): string =>
  `((hashint8extended(i, ${salt}) & 2147483647) % ${choices})::int`;

const words = `(array['web','gateway','orders','billing','search','stock','mail','report','auth','cache','订单','部署'])`;

function statements(count: number, levels: number): string[] {
  const perLevel = Math.ceil(count / levels);
  return [
    'set statement_timeout = 0',
    'set session_replication_role = replica',
    'set synchronous_commit = off',
    "set maintenance_work_mem = '256MB'",
    `insert into users (username, name, email)
       select 'user-' || i, 'User ' || i, 'user-' || i || '@example.com' from generate_series(1, ${users}) i`,
    `insert into roles (name, creator) select 'role-' || i, 'bench' from generate_series(1, ${roles}) i`,
    `insert into productions (name, creator) select 'production-' || i, 'bench' from generate_series(1, ${productions}) i`,
    // Inserted level by level: a parent is any id of the level above.
    `insert into applications (id, name, parent_id, full_name, application_type, production_id, creator)
       overriding system value
       select i, ${words}[1 + ${pick(1, 12)}] || '-' || i,
         case when i > ${perLevel} then (i - 1) / ${perLevel} * ${perLevel} - ${pick(2, perLevel)} end, '',
         (array['java', 'node', 'static', 'batch'])[1 + ${pick(3, 4)}], 1 + ${pick(4, productions)}, 'bench'
       from generate_series(1::bigint, ${count}) i`,
    `with recursive tree(id, full_name) as (
       select id, name from applications where parent_id is null
       union all
       select a.id, tree.full_name || '.' || a.name from applications a join tree on a.parent_id = tree.id)
     update applications set full_name = tree.full_name from tree where applications.id = tree.id`,
    `select setval(pg_get_serial_sequence('applications', 'id'), ${count})`,
    `insert into response_persons (application_id, user_id, type)
       select i, 3 + ${pick(5, users)}, (array['dev', 'ops', 'qa', 'pm'])[1 + ${pick(6, 4)}]
       from generate_series(1::bigint, ${count}) i where i % 2 = 0`,
    `insert into grants (role_id, scope, object_id, permission)
       select 2 + ${pick(7, roles)}, 'application', i, 'view_app' from generate_series(1::bigint, ${count}) i where i % 3 = 0`,
    `insert into grants (user_id, scope, object_id, permission)
       select 3 + ${pick(8, users)}, 'application', i, 'deploy_app' from generate_series(1::bigint, ${count}) i where i % 2 = 0`,
    `insert into user_roles (user_id, role_id) select 2 + i, 2 + i % ${roles} from generate_series(1, ${users}) i`,
    'set session_replication_role = origin',
    'vacuum full analyze applications',
    'vacuum analyze',
  ];
}
