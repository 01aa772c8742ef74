import { sql } from 'kysely';
import { loadSubject } from '../../db/access/rights.ts';
import type { Subject } from '../../db/access/rights.ts';
import { matchingHosts, selectHosts } from '../../db/hosts/find.ts';
import type { HostFilter } from '../../db/hosts/find.ts';
import { json } from '../../db/core/jsonb.ts';
import { testApp, type TestApp } from '../support/api/app.ts';

const hosts: Record<string, string[]> = {
  'web-4662.example.com': ['10.0.17.4'],
  'Web-46621': ['10.0.1.174', '10.0.17.40'],
  '4662-rack12-0046': ['110.0.17.4', 'fe80::1', '2001:db8:0:1::204'],
  'db_1000.100.10': ['::1', '1.2.3.4', '::ffff:a00:1'],
  none: [],
};

let t: TestApp;
let subject: Subject;
beforeAll(async () => {
  t = await testApp();
  subject = await loadSubject(t.db, (await t.user({ admin: true })).id);
  const rows = Object.entries(hosts).map(([name, addresses]) => ({
    name,
    hostType: 'PHY_HOST' as const,
    creator: 'test',
    ipAddress: json(addresses.map((address) => ({ address, addr_type: 'PRIVATE' }))),
  }));
  await t.db.insertInto('hosts').values(rows).execute();
});
afterAll(() => t.close());

async function found(filter: HostFilter): Promise<string[]> {
  const of = matchingHosts(filter, subject);
  const rows = await t.db.selectFrom('hosts').where(of).orderBy('id').select('name').execute();
  return rows.map(({ name }) => name);
}

/** Every substring of the texts, and each with its last character changed. */
function parts(texts: string[]): string[] {
  const all = texts.flatMap((text) =>
    Array.from({ length: text.length }, (_, from) =>
      Array.from({ length: text.length - from }, (_, size) => text.slice(from, from + size + 1)),
    ).flat(),
  );
  return [...new Set(all.flatMap((part) => [part, `${part.slice(0, -1)}7`]))];
}

const holding = (part: string, textsOf: (name: string) => string[]): string[] =>
  Object.keys(hosts).filter((name) => textsOf(name).some((text) => text.toLowerCase().includes(part.toLowerCase())));

test('a host is found by every part of its addresses and by no other text', async () => {
  const addresses = (name: string) => hosts[name] ?? [];
  for (const ip of parts(Object.values(hosts).flat()))
    expect([ip, await found({ ip })]).toEqual([ip, holding(ip, addresses)]);
});

test('a host is found by every part of its name and by no other text', async () => {
  for (const name of parts(Object.keys(hosts)))
    expect([name, await found({ name })]).toEqual([name, holding(name, (one) => [one])]);
});

test('of many hosts those of one network or number are looked up, not searched for', async () => {
  await sql`insert into hosts (name, host_type, creator, ip_address)
    select 'many-' || n, 'PHY_HOST', 'test', jsonb_build_array(jsonb_build_object('address', '172.' || n / 250 || '.' || n % 250 || '.9'))
    from generate_series(1, 5000) n`.execute(t.db);
  await sql`vacuum analyze hosts`.execute(t.database.owner);
  for (const filter of [{ ip: '172.7.33' }, { ip: '7.33.' }, { name: 'many-1783' }]) {
    const plan = await selectHosts(t.db, subject).where(matchingHosts(filter, subject)).explain();
    expect(JSON.stringify(plan)).toMatch(/Bitmap Index Scan on hosts_(address|name)_search/);
  }
  expect(await found({ ip: '172.7.33' })).toEqual(['many-1783']);
});
