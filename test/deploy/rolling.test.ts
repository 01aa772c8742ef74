// Rollouts batch by batch, on hosts in memory: what a batch does on a host is tested with the sub-tasks, and a rollout of real
// ones in bad-release and continued.
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '../support/harness.ts';
import { endedTask, makeEstate, makeTask, startedTask, taskOf, testWorld } from '../support/world.ts';
import type { TestEstate, World } from '../support/world.ts';
import { accepted, act, outcome, taskPath, traces } from '../support/deploy/acts.ts';
import { makeScript, setHooks } from '../support/deploy/hooks.ts';
import { memoryEstate, memoryHosts, onMemory, startedOnMemory } from '../support/deploy/memory-hosts.ts';

let world: World;
const hosts = memoryHosts();
beforeAll(async () => {
  world = await testWorld(onMemory(hosts));
});
afterAll(() => world.close());

const patience = { timeout: 120_000, interval: 100 };
const rolling = (more: object = {}) => ({ mode: 'rolling', ...more });

const roll = (estate: TestEstate, strategy: object, version = '1.0.0'): Promise<number> =>
  startedOnMemory(world, estate, { version, strategy: rolling(strategy) });
const estateOf = (count: number): Promise<TestEstate> => memoryEstate(world, hosts, count, ['1.0.0', '2.0.0']);

const ends = (id: number, status: string, site = world) =>
  eventually(async () => (await taskOf(site, id)).status === status, patience);
const pauses = (id: number, site = world) => eventually(async () => (await taskOf(site, id)).paused, patience);
const show = async (estate: TestEstate, id: number) => (await estate.manager.get(taskPath(id))).body;

/** The instances of each sub-task, as `kind version: positions in the estate`. */
async function batches(estate: TestEstate, id: number): Promise<string[]> {
  const rows = await world.db
    .selectFrom('tasks')
    .innerJoin('taskResults', 'taskResults.taskId', 'tasks.id')
    .select(['tasks.id', 'tasks.kind', 'tasks.version', 'taskResults.instanceId'])
    .where('deployTaskId', '=', id)
    .orderBy('tasks.id')
    .orderBy('taskResults.position')
    .execute();
  const of = Map.groupBy(rows, (row) => row.id);
  return [...of.values()].map((some) => {
    const positions = some.map(({ instanceId }) => estate.instanceIds.indexOf(instanceId ?? 0));
    return `${some[0]?.kind} ${some[0]?.version}: ${positions.join(' ')}`;
  });
}

const versionsOf = async ({ applicationId }: TestEstate) =>
  (
    await world.db
      .selectFrom('instances')
      .select('version')
      .where('applicationId', '=', applicationId)
      .orderBy('id')
      .execute()
  ).map(({ version }) => version);

/** A hook that fails on these hosts of an estate until they are mended. */
async function breakHosts(estate: TestEstate, positions: number[]): Promise<void> {
  for (const position of positions) hosts.broken.add(estate.hostnames[position] ?? '');
  await setHooks(world, estate, { pre_exec: await makeScript(world, 'true') });
}

test('the canary goes first, then batch after batch, and the task finishes automatically', async () => {
  const estate = await estateOf(4);
  const strategy = { canary: 1, batch_size: 2 };
  const id = await makeTask(world, { ...estate, hostnames: [] }, { level: 'I', strategy: rolling(strategy) });
  const plan = await estate.manager.get(taskPath(id, 'plan/'));
  const [one, two, three, four] = estate.instanceIds;
  expect(plan.body['batches']).toEqual([[one], [two, three], [four]]);
  expect(outcome(await act(estate.manager, id, 'start'))).toEqual([200, 0]);
  await ends(id, 'finished');
  expect(await batches(estate, id)).toEqual(['upgrade 1.0.0: 0', 'upgrade 1.0.0: 1 2', 'upgrade 1.0.0: 3']);
  expect(await versionsOf(estate)).toEqual(Array(4).fill('1.0.0'));
  expect(await show(estate, id)).toMatchObject({
    strategy: {
      mode: 'rolling',
      batch_size: 2,
      canary: 1,
      max_failures: 0,
      pause_seconds: 0,
      on_failure: 'pause',
      health_check: null,
    },
    paused: false,
    waiting_on: null,
    error: null,
  });
});

test('more failures than allowed pause it; the owner repairs the failed instances and it finishes', async () => {
  const estate = await estateOf(3);
  await breakHosts(estate, [1]);
  const id = await roll(estate, { batch_size: 1 });
  await pauses(id);
  expect(await batches(estate, id)).toEqual(['upgrade 1.0.0: 0', 'upgrade 1.0.0: 1']);
  expect(await show(estate, id)).toMatchObject({
    status: 'running',
    paused: true,
    error: '1 of 1 instances failed; 1 failures so far, 0 allowed',
    waiting_on: { kind: 'paused', users: [estate.manager.username] },
    available_actions: { pause: false, resume: true },
  });
  expect(outcome(await act(estate.manager, id, 'pause'))).toEqual([409, 10005]);
  expect(outcome(await act(estate.manager, id, 'resume'))).toEqual([200, 0]);
  // The rest is upgraded, and the end is no success: it pauses again.
  await eventually(async () => (await batches(estate, id)).length === 3, patience);
  await pauses(id);
  const failed = await world.db.selectFrom('tasks').select('id').where('deployTaskId', '=', id).orderBy('id').execute();
  const retry = (position: number) =>
    estate.manager.post(taskPath(id, `sub-tasks/${failed[position]?.id}/actions/retry-failed/`));
  const nothing = await retry(0);
  expect([...outcome(nothing), nothing.body['message']]).toEqual([
    409,
    10005,
    `no instance of sub-task ${failed[0]?.id} has failed`,
  ]);
  expect(outcome(await estate.reviewer.post(taskPath(id, `sub-tasks/${failed[1]?.id}/actions/retry-failed/`)))).toEqual(
    [403, 10003],
  );
  hosts.broken.delete(estate.hostnames[1] ?? '');
  const again = await retry(1);
  expect(outcome(await retry(1))).toEqual([409, 10005]);
  expect((await endedTask(world, accepted(again))).status).toBe('finished');
  expect((await batches(estate, id)).at(-1)).toBe('upgrade 1.0.0: 1');
  await ends(id, 'finished');
  const { events } = await traces(world, id);
  expect(events.map(({ event }) => event).filter((event) => event !== 'sub_task')).toEqual([
    'created',
    'started',
    'paused',
    'resumed',
    'paused',
    'finished',
  ]);
});

test('with revert every instance that was upgraded goes back, and the task has failed', async () => {
  const estate = await estateOf(3);
  await ends(await roll(estate, { batch_size: 100 }), 'finished');
  await breakHosts(estate, [2]);
  const id = await roll(estate, { canary: 1, batch_size: 1, on_failure: 'revert' }, '2.0.0');
  await ends(id, 'failed');
  expect(await batches(estate, id)).toEqual([
    'upgrade 2.0.0: 0',
    'upgrade 2.0.0: 1',
    'upgrade 2.0.0: 2',
    'revert 1.0.0: 0 1',
  ]);
  expect(await versionsOf(estate)).toEqual(Array(3).fill('1.0.0'));
  expect((await show(estate, id))['error']).toContain('everything is reverted');
});

test('with continue it goes to the end and has failed; failures within the limit stop nothing', async () => {
  const estate = await estateOf(3);
  await breakHosts(estate, [0]);
  const id = await roll(estate, { on_failure: 'continue' });
  await ends(id, 'failed');
  expect(await batches(estate, id)).toHaveLength(3);
  const other = await estateOf(2);
  await breakHosts(other, [0]);
  const within = await roll(other, { max_failures: 1, on_failure: 'revert' });
  await ends(within, 'failed');
  expect(await batches(other, within)).toEqual(['upgrade 1.0.0: 0', 'upgrade 1.0.0: 1']);
});

describe('a health check by HTTP', () => {
  // On local hosts, whose checks may lead to this machine.
  let local: World;
  let server: Server;
  let asked: string[];
  let status = 200;
  beforeAll(async () => {
    local = await testWorld();
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(status, { location: '/elsewhere' }).end('a secret of the instance');
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  });
  beforeEach(() => {
    asked = [];
  });
  afterAll(async () => {
    await new Promise((closed) => server.close(closed));
    await local.close();
  });
  const rollLocal = (estate: TestEstate, check: object): Promise<number> =>
    startedTask(local, estate, { strategy: rolling({ health_check: check }) });
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/{{hostname}}`;

  test('gates each batch, and follows no redirect', async () => {
    const estate = await makeEstate(local, 2);
    status = 302;
    const health = { url: url(), retries: 1, timeout_seconds: 2 };
    const id = await rollLocal(estate, health);
    await pauses(id, local);
    const { error } = await show(estate, id);
    expect(error).toBe(`${estate.hostnames[0]}: answers 302, not 200; 1 failures so far, 0 allowed`);
    expect(asked).toEqual(Array(2).fill(`/${estate.hostnames[0]}`));
    status = 200;
    expect(outcome(await act(estate.manager, id, 'resume'))).toEqual([200, 0]);
    await ends(id, 'finished', local);
    expect(asked.at(-1)).toBe(`/${estate.hostnames[1]}`);
  });

  test.each([
    ['a metadata service', 'http://169.254.169.254/latest/'],
    ['an IPv6 spelling of it', 'http://[::ffff:169.254.169.254]/'],
    ['its own database', 'database'],
  ])('never calls %s', async (_what, address) => {
    const { port } = new URL(local.database.url);
    const estate = await makeEstate(local, 1);
    const target = address === 'database' ? `http://localhost:${port}/` : address;
    const id = await rollLocal(estate, { url: target, retries: 0, timeout_seconds: 1 });
    await pauses(id, local);
    expect((await show(estate, id))['error']).toContain('which is never called');
  });
});

test('a pause lasts, a batch that runs ends, and another user may do neither', async () => {
  const estate = await estateOf(2);
  const id = await roll(estate, { pause_seconds: 600 });
  await eventually(async () => (await taskOf(world, id)).nextBatchTime !== null, patience);
  expect(await show(estate, id)).toMatchObject({
    waiting_on: { kind: 'next_batch', until: expect.any(String) as string },
  });
  expect(outcome(await act(estate.reviewer, id, 'pause'))).toEqual([403, 10003]);
  expect(outcome(await act(estate.manager, id, 'resume'))).toEqual([409, 10005]);
  expect(outcome(await act(estate.manager, id, 'pause'))).toEqual([200, 0]);
  expect(await show(estate, id)).toMatchObject({ paused: true, waiting_on: { kind: 'paused' } });
  expect(outcome(await act(estate.manager, id, 'close'))).toEqual([200, 0]);
  expect((await taskOf(world, id)).status).toBe('finished');
  const manual = await startedOnMemory(world, estate);
  expect(outcome(await act(estate.manager, manual, 'pause'))).toEqual([409, 10005]);
});

test.each<[string, object, string]>([
  ['an unknown mode', { mode: 'canary' }, 'strategy.mode'],
  ['a batch of nothing', rolling({ batch_size: 0 }), 'strategy.batch_size'],
  ['too long a pause', rolling({ pause_seconds: 86_401 }), 'strategy.pause_seconds'],
  ['another address than http', rolling({ health_check: { url: 'ftp://{{ip}}/' } }), 'strategy.health_check'],
  ['a password in the address', rolling({ health_check: { url: 'http://a:b@{{ip}}/' } }), 'strategy.health_check'],
  ['an unknown name in the address', rolling({ health_check: { url: 'http://{{port}}/' } }), 'strategy.health_check'],
  ['a batch size without rolling', { mode: 'manual', batch_size: 2 }, 'strategy.batch_size'],
  ['a monitoring that is not there', rolling({ health_check: { zabbix: true } }), 'strategy.health_check.zabbix'],
])('%s is refused with 10001', async (_what, strategy, field) => {
  const estate = await makeEstate(world, 0);
  const answer = await estate.manager.post('/application/deploy-tasks/', {
    application_id: estate.applicationId,
    version: '1',
    level: 'A',
    package_source: '/packages/p',
    planned_exec_time: 1,
    strategy,
  });
  expect(outcome(answer)).toEqual([400, 10001]);
  const [detail] = (answer.body as { details: { field: string; message: string }[] }).details;
  expect(detail?.field.startsWith(field)).toBe(true);
});
