import { addMachine, createCloudWorld, createMemoryCloud } from '../../activities/providers/cloud/memory.ts';
import type { CloudWorld } from '../../activities/providers/cloud/memory.ts';
import { refused } from '../../activities/providers/error.ts';
import type { Clouds } from '../../activities/providers/cloud/driver.ts';
import type { TestUser } from '../support/api/app.ts';
import { eventually, unique } from '../support/harness.ts';
import { testWorld, type World } from '../support/world.ts';

const env = {
  SLIPWAY_TENCENT_SECRET_ID: 'id',
  SLIPWAY_TENCENT_SECRET_KEY: 'key',
  SLIPWAY_TENCENT_REGIONS: 'r-1',
  SLIPWAY_ALIYUN_ACCESS_KEY_ID: 'id',
  SLIPWAY_ALIYUN_ACCESS_KEY_SECRET: 'key',
  SLIPWAY_ALIYUN_REGIONS: 'r-1',
};

let world: World;
let admin: TestUser;
let tencent: CloudWorld;
let aliyun: CloudWorld;
const clouds: Clouds = {};
beforeAll(async () => {
  tencent = createCloudWorld();
  aliyun = createCloudWorld();
  clouds.TECENT_CVM = createMemoryCloud(tencent);
  clouds.ALI_ECS = createMemoryCloud(aliyun);
  world = await testWorld({ env, providers: { clouds } });
  admin = await world.user({ admin: true });
}, 60_000);
afterAll(() => world.close(), 60_000);

interface Import {
  id: number;
  status: string;
  sources: string[];
  counts: Record<'new' | 'known' | 'changed' | 'missing' | 'adopted', number>;
  errors: { source: string; message: string }[];
}

interface Finding {
  id: number;
  name: string;
  difference: string;
  provider_id: string | null;
  host_id: number | null;
  minion_id: string | null;
  note: string | null;
  changes: { field: string; inventory: unknown; provider: unknown }[];
}

/** Begins an import, and waits for its end. */
async function run(path: string, body: object): Promise<Import> {
  const begun = await admin.post<Import>(path, body);
  expect(begun.status).toBe(202);
  return ended(begun.body.id);
}

const ended = (id: number): Promise<Import> =>
  eventually(
    async () => {
      const { body } = await admin.get<Import>(`/hosts/imports/${id}/`);
      return ['finished', 'failed'].includes(body.status) && body;
    },
    { timeout: 90_000 },
  );

const findings = async (id: number, query = ''): Promise<Finding[]> =>
  (await admin.get<{ results: Finding[] }>(`/hosts/imports/${id}/findings/?page_size=1000${query}`)).body.results;

const hostOf = async (name: string) =>
  (await admin.get<{ results: Record<string, unknown>[] }>(`/hosts/?name=${name}`)).body.results[0];

function clear(): void {
  for (const { machines } of [tencent, aliyun]) machines.clear();
}

test('machines are shown as a difference first, then those that are chosen become hosts, once', async () => {
  clear();
  const [a, b] = [`i-${unique()}`, `i-${unique()}`];
  addMachine(tencent, { id: a });
  addMachine(tencent, { id: b, state: 'stopped' });
  const done = await run('/hosts/actions/import/', { sources: ['TECENT_CVM'] });
  expect(done).toMatchObject({ status: 'finished', counts: { new: 2, known: 0, adopted: 0 }, errors: [] });
  expect(await hostOf(a)).toBeUndefined();
  const found = await findings(done.id);
  expect(found.map(({ difference }) => difference)).toEqual(['new', 'new']);

  const adopt = { findings: [found.find(({ provider_id: id }) => id === b)?.id] };
  for (let time = 0; time < 2; time += 1) {
    expect((await admin.post(`/hosts/imports/${done.id}/actions/adopt/`, adopt)).status).toBe(202);
    expect(await ended(done.id)).toMatchObject({ counts: { adopted: 1 } });
  }
  expect(await hostOf(b)).toMatchObject({
    provider_id: b,
    host_type: 'TECENT_CVM',
    status: 'raw',
    os_status: 'stopped',
    runner: 'salt',
    cpu: 2,
    ip_address: [{ address: '192.0.2.1', addr_type: 'PRIVATE', owner: 'HOST' }],
  });
  expect(await hostOf(a)).toBeUndefined();
  const records = await world.db.selectFrom('auditRecords').select('detailEn').where('targetName', '=', b).execute();
  expect(records.map(({ detailEn }) => detailEn)).toContainEqual(expect.stringContaining(`found by import ${done.id}`));
}, 120_000);

test('all is adopted at once when asked for, names that clouds allow and hosts do not included', async () => {
  clear();
  const ids = [`i-${unique()}`, `i-${unique()}`, `i-${unique()}`];
  for (const id of ids) addMachine(aliyun, { id });
  const named = aliyun.machines.get(ids[0] ?? '');
  const twin = aliyun.machines.get(ids[1] ?? '');
  const odd = aliyun.machines.get(ids[2] ?? '');
  if (!named || !twin || !odd) throw new Error('no machines');
  named.name = twin.name = `shop ${unique()}`;
  odd.name = '\u6d4b\u8bd5';
  const done = await run('/hosts/actions/import/', { sources: ['ALI_ECS'], adopt: true });
  expect(done).toMatchObject({ status: 'finished', counts: { new: 3, adopted: 3 } });
  const names = (await findings(done.id)).map(({ host_id: id }) => id);
  expect(new Set(names).size).toBe(3);
  expect(await hostOf(named.name.replace(' ', '-'))).toMatchObject({ host_type: 'ALI_ECS' });
}, 120_000);

test('a synchronisation shows drift field by field, and what is gone, and changes nothing', async () => {
  clear();
  const [a, b, c] = [`i-${unique()}`, `i-${unique()}`, `i-${unique()}`];
  for (const id of [a, b, c]) addMachine(tencent, { id });
  await run('/hosts/actions/import/', { sources: ['TECENT_CVM'], adopt: true });
  const before = await hostOf(a);
  const changed = tencent.machines.get(a);
  if (!changed) throw new Error('no machine');
  Object.assign(changed, { state: 'stopped', cpu: 8, addresses: [{ address: '192.0.2.9', addrType: 'PRIVATE' }] });
  tencent.machines.delete(b);
  const done = await run('/hosts/actions/sync/', { sources: ['TECENT_CVM'] });
  const drift = (await findings(done.id)).filter(({ provider_id: id }) => [a, b, c].includes(id ?? ''));
  expect(drift.map(({ provider_id: id, difference }) => [id, difference]).sort()).toEqual(
    [
      [a, 'changed'],
      [b, 'missing'],
    ].sort(),
  );
  expect(drift.find(({ provider_id: id }) => id === a)?.changes).toEqual(
    expect.arrayContaining([
      { field: 'os_status', inventory: 'running', provider: 'stopped' },
      { field: 'cpu', inventory: 2, provider: 8 },
      { field: 'ip_address', inventory: ['192.0.2.1'], provider: ['192.0.2.9'] },
    ]),
  );
  expect(await hostOf(a)).toEqual(before);
  expect(await hostOf(b)).toMatchObject({ status: 'raw' });
  const refusal = await admin.post(`/hosts/imports/${done.id}/actions/adopt/`, { all: true });
  expect(refusal).toMatchObject({ status: 409, body: { error_code: 10005 } });
}, 120_000);

test('a source that cannot be read is said, stops no other, and makes nothing missing', async () => {
  clear();
  addMachine(aliyun, { id: `i-${unique()}` });
  addMachine(tencent, { id: `i-${unique()}` });
  tencent.failure = () => refused('Tencent Cloud CVM', 'Tencent Cloud CVM refuses the keys');
  try {
    const done = await run('/hosts/actions/import/', {});
    expect(done).toMatchObject({
      status: 'finished',
      sources: ['ALI_ECS', 'TECENT_CVM'],
      errors: [{ source: 'TECENT_CVM', message: 'Tencent Cloud CVM refuses the keys' }],
    });
    expect((await findings(done.id, '&difference=missing')).filter((one) => one.name.startsWith('tencent'))).toEqual(
      [],
    );
    const alone = await run('/hosts/actions/import/', { sources: ['TECENT_CVM'] });
    expect(alone.status).toBe('failed');
  } finally {
    tencent.failure = null;
  }
}, 120_000);

test.each([
  [{ sources: ['CLOUDSTACK'] }, 10005, 'SLIPWAY_CLOUDSTACK_URL'],
  [{ sources: ['SALT'] }, 10005, 'SLIPWAY_SALT_URL'],
  [{ sources: ['PHY_HOST'] }, 10001, 'sources.0'],
  [{ sources: [] }, 10001, 'sources'],
  [{ sources: ['ALI_ECS', 'ALI_ECS'] }, 10001, 'sources.1'],
  [{ adopt: 'yes' }, 10001, 'adopt'],
])('%j is refused, naming what is wrong', async (body, code, part) => {
  const answer = await admin.post('/hosts/actions/import/', body);
  expect(answer.body).toMatchObject({ error_code: code });
  expect(JSON.stringify(answer.body)).toContain(part);
});

test('adoption is refused for what is none, is known, or is not ended', async () => {
  clear();
  const id = `i-${unique()}`;
  addMachine(tencent, { id });
  await run('/hosts/actions/import/', { sources: ['TECENT_CVM'], adopt: true });
  const again = await run('/hosts/actions/import/', { sources: ['TECENT_CVM'] });
  const known = (await findings(again.id)).find((one) => one.provider_id === id);
  expect(known).toMatchObject({ difference: 'known' });
  const adopt = (body: object) => admin.post(`/hosts/imports/${again.id}/actions/adopt/`, body);
  expect(await adopt({ findings: [known?.id] })).toMatchObject({ status: 409, body: { error_code: 10005 } });
  expect(await adopt({ findings: [999_999_999] })).toMatchObject({ status: 404, body: { error_code: 10004 } });
  expect(await adopt({})).toMatchObject({ status: 400 });
  expect(await adopt({ all: true, findings: [1] })).toMatchObject({ status: 400 });
  await world.db
    .updateTable('hostImports')
    .set({ status: 'running', finishedTime: null })
    .where('id', '=', again.id)
    .execute();
  expect(await adopt({ all: true })).toMatchObject({ status: 409, body: { error_code: 10005 } });
}, 120_000);

test('ten thousand machines are found and adopted, each of them', async () => {
  clear();
  const name = unique();
  for (let number = 0; number < 10_000; number += 1) addMachine(tencent, { id: `big-${name}-${number}` });
  const done = await run('/hosts/actions/import/', { sources: ['TECENT_CVM'], adopt: true });
  expect(done.counts.adopted).toBe(10_000);
}, 180_000);
