// The list of hosts at a million and at ten thousand, with its count, for every filter, as an administrator and as a user
// who sees 200 of them: shows costs that grow with the table.
import { sql } from 'kysely';
import { connect } from '../db/core/connect.ts';
import { person } from './estate.ts';
import type { BenchPerson } from './estate.ts';
import { compare } from './harness.ts';
import type { Benchmark, BenchContext, Row } from './harness.ts';
import { visit } from './http.ts';

interface Inventory {
  url: string;
  people: Record<'admin' | 'limited', BenchPerson>;
}

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

async function seeded({ stack, say }: BenchContext, name: string, count: number): Promise<Inventory> {
  say(`seeding ${count} hosts`);
  const databaseUrl = await stack.database(name);
  const db = connect(databaseUrl, { max: 1, applicationName: 'bench' });
  try {
    const people = { admin: await person(db, 'root', { admin: true }), limited: await person(db, 'limited') };
    for (const statement of statements(count)) await sql.raw(statement).execute(db);
    return { url: (await stack.api(databaseUrl, name)).url, people };
  } finally {
    await db.destroy();
  }
}

const filters: Record<string, string> = {
  'no filter': '',
  'name, common': 'name=web',
  'name, rare': 'name=cache-4662',
  'name, none': 'name=no-such',
  host_type: 'host_type=TECENT_CVM',
  'status, common': 'status=inited',
  'status, rare': 'status=offline',
  os_status: 'os_status=stopped',
  'ip, common': 'ip=10.0.1',
  'ip, rare': 'ip=10.0.17.4',
  location: 'location=rack 77',
  application: 'application=7',
  'three at once': 'status=inited&os_status=running&name=db',
  'page 90': 'page=90',
};

export const hostList: Benchmark = async (context) => {
  const { quick } = context;
  const most = quick ? 100_000 : 1_000_000;
  const [big, small] = [
    await seeded(context, 'bench_hosts_big', most),
    await seeded(context, 'bench_hosts_small', 10_000),
  ];
  const rows: Row[] = [];
  for (const who of ['admin', 'limited'] as const)
    for (const [name, query] of Object.entries(filters)) {
      const reading =
        ({ url, people }: Inventory) =>
        () =>
          visit(`${url}/hosts/?${encodeURI(query)}`, people[who].token);
      const found = await compare(reading(small), reading(big), { rounds: quick ? 1 : 2, calls: 15, warmUp: 8 });
      rows.push({
        name: `hosts at ${most} against 10000, ${who}, ${name}`,
        unit: 'ms',
        aim: 1.5,
        noise: null,
        ...found,
      });
    }
  return rows;
};
