// Seeds hosts by the million in SQL: an administrator and a user who sees 200 of them.
import { sql } from 'kysely';
import { connect } from '../db/core/connect.ts';
import { person } from './estate.ts';
import type { BenchPerson } from './estate.ts';

export type BenchPeople = Record<'admin' | 'limited', BenchPerson>;

const statements = (count: number): string[] => [
  'set statement_timeout = 0',
  'set session_replication_role = replica',
  'set synchronous_commit = off',
  "set maintenance_work_mem = '256MB'",
  `insert into applications (name, full_name, creator) select 'app-' || i, 'app-' || i, 'bench' from generate_series(1, 100) i`,
  `insert into hosts (name, host_type, status, os_status, location, ip_address, creator)
     select (array['web','db','cache','queue'])[1 + i % 4] || '-' || i || '.example.com',
       (array['ALI_ECS','PHY_HOST','TECENT_CVM','TECENT_CPM','CLOUDSTACK','CLOUDSTACK_OFFICE'])[1 + i % 6],
       case when i % 1000 = 0 then 'offline' else (array['raw','inited','attached'])[1 + i % 3] end,
       (array['running','running','stopped'])[1 + i % 3], 'rack ' || i % 500,
       jsonb_build_array(jsonb_build_object('id', i, 'owner', 'HOST', 'is_virtual', false, 'addr_type', 'PRIVATE',
         'network', '', 'netmask', '', 'address', '10.' || i / 65536 || '.' || i / 256 % 256 || '.' || i % 256)), 'bench'
     from generate_series(1, ${count}) i`,
  // What the trigger on hosts would have written.
  'insert into host_locations select distinct location from hosts',
  `insert into instances (application_id, host_id) select 1 + i % 100, i from generate_series(1, 3000) i`,
  `insert into grants (user_id, scope, object_id, permission)
     select (select id from users where username = 'limited'), 'host', i * 40 + 1, 'view_host' from generate_series(1, 200) i`,
  'set session_replication_role = origin',
  'vacuum analyze',
];

/** Fills an empty database with `count` hosts. */
export async function seedHosts(databaseUrl: string, count: number): Promise<BenchPeople> {
  const db = connect(databaseUrl, { max: 1, applicationName: 'bench', queryTimeoutMs: 0 });
  try {
    const people = { admin: await person(db, 'root', { admin: true }), limited: await person(db, 'limited') };
    for (const statement of statements(count)) await sql.raw(statement).execute(db);
    return people;
  } finally {
    await db.destroy();
  }
}
