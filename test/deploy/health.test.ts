// Zabbix decides between the batches of a rolling deploy: the driver as it is, over the wire, before a double of its API.
import { zabbixDouble } from '../support/doubles/zabbix.ts';
import type { ZabbixDouble } from '../support/doubles/zabbix.ts';
import { eventually, unique } from '../support/harness.ts';
import { taskOf, testWorld } from '../support/world.ts';
import type { TestEstate, World } from '../support/world.ts';
import { act, outcome, taskPath } from '../support/deploy/acts.ts';
import { memoryEstate, memoryHosts, onMemory, startedOnMemory } from '../support/deploy/memory-hosts.ts';

let zabbix: ZabbixDouble;
let world: World;
const hosts = memoryHosts();
beforeAll(async () => {
  zabbix = await zabbixDouble('7.0.9');
  world = await testWorld({
    ...onMemory(hosts),
    logLevel: 'fatal',
    env: {
      SLIPWAY_ZABBIX_URL: zabbix.url,
      SLIPWAY_ZABBIX_USER: zabbix.user,
      SLIPWAY_ZABBIX_PASSWORD: zabbix.password,
    },
  });
});
afterAll(async () => {
  await world.close();
  await zabbix.close();
});

const patience = { timeout: 120_000, interval: 100 };

/** Two hosts that Zabbix watches. */
async function watchedEstate(): Promise<TestEstate> {
  const estate = await memoryEstate(world, hosts, 2);
  for (const host of estate.hostnames) {
    const hostid = unique();
    const none = { groups: [], templates: [], interfaces: [], problems: [] };
    zabbix.state.hosts.set(hostid, { hostid, host, status: '0', ...none });
  }
  return estate;
}

const problemsOf = (hostname: string | undefined): { description: string; priority: number }[] =>
  [...zabbix.state.hosts.values()].find(({ host }) => host === hostname)?.problems ?? [];

const roll = (estate: TestEstate): Promise<number> =>
  startedOnMemory(world, estate, { strategy: { mode: 'rolling', health_check: { zabbix: true } } });

const versionsOf = async ({ applicationId }: TestEstate): Promise<(string | null)[]> => {
  const rows = await world.db
    .selectFrom('instances')
    .select('version')
    .where('applicationId', '=', applicationId)
    .orderBy('id')
    .execute();
  return rows.map(({ version }) => version);
};

const errorOf = async (estate: TestEstate, id: number) =>
  (await estate.manager.get<{ error: string | null }>(taskPath(id))).body.error;

const paused = (id: number) => eventually(async () => (await taskOf(world, id)).paused, patience);
const finished = (id: number) => eventually(async () => (await taskOf(world, id)).status === 'finished', patience);

test('hosts without an open problem let the next batch go; a trifle is none', async () => {
  const estate = await watchedEstate();
  problemsOf(estate.hostnames[0]).push({ description: 'a trifle', priority: 1 });
  const id = await roll(estate);
  await finished(id);
  expect(await versionsOf(estate)).toEqual(['1.0.0', '1.0.0']);
  expect(await errorOf(estate, id)).toBeNull();
});

test('an open problem of an upgraded host holds the next batch, naming it; when it is over a resume goes on', async () => {
  const estate = await watchedEstate();
  const [first, second] = estate.hostnames;
  problemsOf(first).push({ description: 'the disk is full', priority: 4 });
  problemsOf(second).push({ description: 'not asked yet', priority: 5 });
  const id = await roll(estate);
  await paused(id);
  expect(await versionsOf(estate)).toEqual(['1.0.0', null]);
  expect(await errorOf(estate, id)).toBe(`${first}: open problem: the disk is full; 1 failures so far, 0 allowed`);
  for (const name of estate.hostnames) problemsOf(name).length = 0;
  expect(outcome(await act(estate.manager, id, 'resume'))).toEqual([200, 0]);
  await finished(id);
  expect(await versionsOf(estate)).toEqual(['1.0.0', '1.0.0']);
});

test('a Zabbix that refuses holds the next batch and says why, without a password', async () => {
  const estate = await watchedEstate();
  zabbix.trouble = { method: 'trigger.get', kind: 'refuse' };
  const id = await roll(estate);
  await paused(id);
  zabbix.trouble = null;
  expect(await versionsOf(estate)).toEqual(['1.0.0', null]);
  const error = await errorOf(estate, id);
  expect(error).toContain('No permissions to call it.');
  expect(error).not.toContain(zabbix.password);
  expect(outcome(await act(estate.manager, id, 'resume'))).toEqual([200, 0]);
  await finished(id);
});

test('a Zabbix that is away holds the next batch until it is back', async () => {
  const estate = await watchedEstate();
  const before = zabbix.asked('trigger.get');
  zabbix.trouble = { method: 'trigger.get', kind: 'away' };
  const id = await roll(estate);
  await eventually(async () => (await versionsOf(estate))[0] === '1.0.0', patience);
  await eventually(() => zabbix.asked('trigger.get') >= before + 2, patience);
  expect(await versionsOf(estate)).toEqual(['1.0.0', null]);
  zabbix.trouble = null;
  await finished(id);
  expect(await versionsOf(estate)).toEqual(['1.0.0', '1.0.0']);
});
