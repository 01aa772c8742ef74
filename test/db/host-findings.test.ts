import { sql } from 'kysely';
import { adopt } from '../../db/host-imports/adopt.ts';
import { compare, keepFindings } from '../../db/host-imports/findings.ts';
import type { FindingRow } from '../../db/host-imports/tables.ts';
import { json } from '../../db/core/jsonb.ts';
import type { Found, Source } from '../../workflows/host-imports/contract.ts';
import { testApp, type TestApp } from '../support/api/app.ts';
import { unique } from '../support/harness.ts';

let t: TestApp;
beforeAll(async () => {
  t = await testApp();
});
afterAll(() => t.close());

async function begin(sources: Source[]): Promise<number> {
  const { id } = await t.db
    .insertInto('hostImports')
    .values({
      kind: 'import',
      sources: json(sources),
      adopt: false,
      creator: 'test',
      createdTime: new Date(),
      finishedTime: null,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

const blank = { account: '', region: '', osStatus: null, osType: '', cpu: null, memory: null, location: '' };

const minion = (id: string, ...addresses: string[]): Found => ({
  ...blank,
  hostType: 'PHY_HOST',
  key: id,
  providerId: null,
  name: id,
  minionId: id,
  addresses: addresses.map((address) => ({ address, addr_type: 'PRIVATE' })),
});

const machine = (id: string, name: string, ...addresses: string[]): Found => ({
  ...minion(id, ...addresses),
  hostType: 'ALI_ECS',
  providerId: id,
  name,
  minionId: null,
});

/** The findings of an import, without those for hosts of other tests, which every import misses. */
async function found(importId: number): Promise<FindingRow[]> {
  return t.db
    .selectFrom('hostImportFindings')
    .selectAll()
    .where('importId', '=', importId)
    .where(sql<boolean>`difference is distinct from 'missing'`)
    .orderBy('id')
    .execute();
}

test('a minion is one with the machine of its name or address; one that is neither is a physical host', async () => {
  const [a, b, c] = [unique(), unique(), unique()];
  const importId = await begin(['ALI_ECS', 'SALT']);
  await keepFindings(t.db, importId, 'ALI_ECS', [machine(`i-${a}`, a, '10.1.0.1'), machine(`i-${b}`, b, '10.1.0.2')]);
  const minions = [minion(`${a}.example.com`), minion(`other-${b}`, '10.1.0.2'), minion(c, '10.1.0.3')];
  await keepFindings(t.db, importId, 'SALT', minions);
  await compare(t.db, importId);
  const rows = await found(importId);
  expect(rows.map(({ key, hostType, minionId, difference }) => [key, hostType, minionId, difference])).toEqual([
    [`i-${a}`, 'ALI_ECS', `${a}.example.com`, 'new'],
    [`i-${b}`, 'ALI_ECS', `other-${b}`, 'new'],
    [c, 'PHY_HOST', c, 'new'],
  ]);
  const user = await t.user({ admin: true });
  await adopt(t.db, importId, true, { id: user.id, username: user.username, channel: 'workflow' });
  const hosts = await t.db
    .selectFrom('hosts')
    .select(['name', 'minionId', 'runner'])
    .where('name', 'in', [a, b, c])
    .execute();
  expect(new Map(hosts.map((one) => [one.name, one.minionId]))).toEqual(
    new Map([
      [a, `${a}.example.com`],
      [b, `other-${b}`],
      [c, c],
    ]),
  );
  const again = await begin(['SALT']);
  await keepFindings(t.db, again, 'SALT', minions);
  await compare(t.db, again);
  expect((await found(again)).map(({ difference }) => difference)).toEqual(['known', 'known', 'known']);
});

test('a page that is read twice, and a comparison that is made twice, count once', async () => {
  const importId = await begin(['ALI_ECS']);
  const page = [machine(`i-${unique()}`, unique())];
  for (let time = 0; time < 2; time += 1) await keepFindings(t.db, importId, 'ALI_ECS', page);
  for (let time = 0; time < 2; time += 1) await compare(t.db, importId);
  expect(await found(importId)).toHaveLength(1);
});

test('a host that was added by hand is known by its name, and its id at the provider is the difference', async () => {
  const name = unique();
  const { id } = await t.db
    .insertInto('hosts')
    .values({ name, hostType: 'ALI_ECS', creator: 'test', ipAddress: json([]) })
    .returning('id')
    .executeTakeFirstOrThrow();
  const importId = await begin(['ALI_ECS']);
  await keepFindings(t.db, importId, 'ALI_ECS', [machine(`i-${name}`, name.toUpperCase())]);
  await compare(t.db, importId);
  expect(await found(importId)).toMatchObject([
    { difference: 'changed', hostId: id, changes: { provider_id: [null, `i-${name}`] } },
  ]);
});

test('a finding that cannot become a host has a reason, and is not retried', async () => {
  const name = unique();
  const importId = await begin(['ALI_ECS']);
  await keepFindings(t.db, importId, 'ALI_ECS', [machine(`i-${name}`, name)]);
  await compare(t.db, importId);
  // Meanwhile another user adds the same machine under another name.
  await t.db
    .insertInto('hosts')
    .values({ name: unique(), hostType: 'ALI_ECS', providerId: `i-${name}`, creator: 'test', ipAddress: json([]) })
    .execute();
  await adopt(t.db, importId, true, { id: 1, username: 'admin', channel: 'workflow' });
  expect(await found(importId)).toMatchObject([{ adoptedTime: null, note: expect.stringContaining('there already') }]);
});
