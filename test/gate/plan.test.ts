// What is agreed to is what is done: the machines, the instances and the package of the plan. (How large it may be is in
// test/deploy/chunks.test.ts.)
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname as thisMachine } from 'node:os';
import { createMemoryRunner } from '../../activities/providers/runner/memory.ts';
import { deployTaskWorkflowId } from '../../workflows/deploy/contract.ts';
import type { CompletePlan } from '../../workflows/deploy/ports.ts';
import type { TestUser } from '../support/api/app.ts';
import {
  accepted,
  act,
  approveSeen,
  outcome,
  resultsOf,
  revert,
  signed,
  taskPath,
  traces,
  upgrade,
} from '../support/deploy/acts.ts';
import { memoryEstate, memoryHosts, onMemory, startedOnMemory } from '../support/deploy/memory-hosts.ts';
import { makePolicy, roleOf } from '../support/deploy/policies.ts';
import { eventually } from '../support/harness.ts';
import { endedTask, makeEstate, makeTask, packagePath, taskOf, testWorld } from '../support/world.ts';
import type { TaskWish, TestEstate, World } from '../support/world.ts';
import {
  anAddress,
  asBefore,
  changeHost,
  hostIdsOf,
  isAtWork,
  jobsOf,
  listed,
  messageOf,
  moveInstance,
  planned,
  reachedEstate,
} from '../support/gate/planned.ts';
import type { HostSet } from '../support/gate/planned.ts';

let world: World;
let admin: TestUser;
const hosts = memoryHosts();
/** Otherwise plans are completed as workers did that had no notion of it. */
let tellsUnread = true;
beforeAll(async () => {
  const { settings, providers } = onMemory(hosts);
  const runners = { ...providers.runners, ssh: createMemoryRunner(hosts.world) };
  const more = { sshKeyFile: '/key', sshPort: 2222, hostAdmission: 'open', healthCheckAllow: ['127.0.0.1'] };
  world = await testWorld({
    settings: { ...settings, ...more },
    providers: { runners },
    logLevel: 'fatal',
    around: (activities) => ({
      ...activities,
      async completePlan(input: never) {
        const completed = (await activities['completePlan']?.(input)) as CompletePlan;
        return tellsUnread ? completed : { planHash: completed.planHash };
      },
    }),
  });
  admin = await world.user({ admin: true });
});
afterAll(() => world.close());
afterEach(() => hosts.letGo());

const statusOf = async (id: number): Promise<string> => (await taskOf(world, id)).status;

/** A task of an estate whose packages lie on hosts in memory. */
const task = (estate: TestEstate, wish: TaskWish = {}): Promise<number> =>
  makeTask(world, { ...estate, hostnames: [] }, wish);

async function approved(estate: TestEstate, wish: TaskWish = {}): Promise<number> {
  const id = await task(estate, wish);
  expect(outcome(await approveSeen(world, estate.reviewer, id))).toEqual([200, 0]);
  return id;
}

const estateOf = (runner: 'ssh' | 'salt', count = 2) => reachedEstate(world, hosts, runner, count);
const setHost = (id: number, set: HostSet) => changeHost(world, id, set);

type Lead = (host: number) => Promise<unknown>;
const elsewhere: [string, 'ssh' | 'salt', string, Lead][] = [
  ['the address of SSH', 'ssh', 'address', (id) => setHost(id, { ipAddress: listed(anAddress()) })],
  ['the minion', 'salt', 'minion', (id) => setHost(id, { minionId: `other-${id}` })],
  ['the runner', 'salt', 'runner', (id) => setHost(id, { runner: 'ssh' })],
];

describe('a plan names every machine by what its runner uses', () => {
  test('SSH by address and port, Salt by its minion, a local host by the machine of the worker', async () => {
    const { estate: ssh } = await estateOf('ssh', 1);
    const [sshHost = 0] = await hostIdsOf(world, ssh);
    const address = anAddress();
    await setHost(sshHost, { ipAddress: listed(address) });
    const { estate: salt, last: saltHost } = await estateOf('salt', 1);
    await setHost(saltHost, { minionId: 'minion-of-web' });
    const local = await makeEstate(world, 1);
    const [localHost = 0] = await hostIdsOf(world, local);
    const nothing = { address: null, port: null, minion: null, worker: null };
    const machineIn = async (estate: TestEstate, id: number) => (await planned(estate, id)).instances[0]?.machine;
    expect(await machineIn(ssh, await task(ssh))).toEqual({
      ...nothing,
      host: sshHost,
      runner: 'ssh',
      address,
      port: 2222,
    });
    const minion = { ...nothing, host: saltHost, runner: 'salt', minion: 'minion-of-web' };
    expect(await machineIn(salt, await task(salt))).toEqual(minion);
    const worker = { ...nothing, host: localHost, runner: 'local', worker: thisMachine() };
    expect(await machineIn(local, await makeTask(world, local))).toEqual(worker);
  });

  test('the credential of its repository, and what its health check calls', async () => {
    const { estate, last } = await estateOf('ssh', 1);
    const address = anAddress();
    await setHost(last, { ipAddress: listed(address) });
    const health = { url: 'http://{{ip}}:9/{{hostname}}', expect_status: 200 };
    const id = await task(estate, { strategy: { mode: 'rolling', batch_size: 1, health_check: health } });
    expect((await planned(estate, id)).instances[0]?.health_url).toBe(
      `http://${address}:9/${estate.hostnames[0] ?? ''}`,
    );
    const store = (credential: object | null) =>
      world.db
        .updateTable('deploySettings')
        .set({ repository: JSON.stringify({ type: 'FTP', url: 'ftp://10.78.0.1/a', credential }) })
        .where('applicationId', '=', estate.applicationId)
        .execute();
    const inline = { type: 'PASSWORD', username: 'robot', secret: {} };
    const shown: unknown[] = [];
    for (const credential of [{ id: 7 }, inline, null]) {
      await store(credential);
      const answer = await estate.manager.post<{ id: number }>('/application/deploy-tasks/', {
        application_id: estate.applicationId,
        level: 'A',
        package_source: 'a.tar',
        planned_exec_time: 0,
        version: '2',
      });
      shown.push((await planned(estate, answer.body.id)).package.repository?.credential);
    }
    expect(shown).toEqual([{ id: 7, username: null }, { id: null, username: 'robot' }, null]);
  });
});

describe('no command runs on another machine than the plan names', () => {
  test.each(elsewhere)(
    '%s changed after the vote sends the task back to review',
    async (_name, runner, _part, lead) => {
      const { estate, last, name } = await estateOf(runner);
      const id = await approved(estate);
      await lead(last);
      const answer = await act(estate.manager, id, 'start');
      expect(outcome(answer)).toEqual([409, 10005]);
      expect(messageOf(answer)).toContain(`back in review: the machines of ${name}`);
      expect(await taskOf(world, id)).toMatchObject({ status: 'wait_review', planRound: 2 });
      expect((await planned(estate, id)).changed_since_approval).toBe(`the machines of ${name}`);
      expect(outcome(await approveSeen(world, estate.reviewer, id))).toEqual([200, 0]);
      expect(outcome(await act(estate.manager, id, 'start'))).toEqual([200, 0]);
    },
  );

  test.each(elsewhere)('%s changed after the start has a sub-task refused', async (_name, runner, part, lead) => {
    const { estate, last, name } = await estateOf(runner);
    const id = await startedOnMemory(world, estate);
    await lead(last);
    for (const answer of [await upgrade(estate, id), await revert(estate, id)]) {
      expect(outcome(answer)).toEqual([409, 10005]);
      expect(messageOf(answer)).toContain(`host ${name} is not the machine in the plan: it was ${part} `);
    }
    const busy = world.db.selectFrom('instances').select('id').where('id', 'in', estate.instanceIds);
    expect(await busy.where('busyTaskId', 'is not', null).execute()).toEqual([]);
    const [first = 0] = estate.instanceIds;
    const done = accepted(await upgrade(estate, id, { instances: [{ id: first }] }));
    expect((await endedTask(world, done)).status).toBe('finished');
  });

  test('an instance on another host after the start has a sub-task refused', async () => {
    const { estate } = await estateOf('salt');
    const id = await startedOnMemory(world, estate);
    await moveInstance(world, estate);
    const answer = await upgrade(estate, id);
    expect(outcome(answer)).toEqual([409, 10005]);
    expect(messageOf(answer)).toContain(`host ${estate.name}-x is not the machine in the plan: it was host `);
  });

  test.each(elsewhere)('%s changed in the middle of a sub-task ends it there', async (_name, runner, part, lead) => {
    const { estate, last, name } = await estateOf(runner);
    const id = await startedOnMemory(world, estate);
    hosts.stuck([name]);
    const subTask = accepted(await upgrade(estate, id));
    await eventually(() => isAtWork(hosts, name), { timeout: 30_000 });
    const known = new Set(hosts.world.hosts.keys());
    await lead(last);
    hosts.letGo();
    expect((await endedTask(world, subTask)).status).toBe('failed');
    const results = await resultsOf(world, subTask);
    expect(results.map(({ status }) => status)).toEqual(['finished', 'failed']);
    expect(results[1]?.message).toContain(`host ${name} is not the machine in the plan: it was ${part} `);
    expect(jobsOf(hosts, name).filter((job) => job.includes('-switch-'))).toEqual([]);
    expect([...hosts.world.hosts.keys()].filter((host) => !known.has(host))).toEqual([]);
  });

  test('a task from before plans named machines keeps its plan, starts only if that still is so, and its sub-tasks keep theirs', async () => {
    const { estate, last, name } = await estateOf('salt');
    const [id, other] = [await approved(estate), await approved(estate)];
    for (const one of [id, other]) await asBefore(world, one);
    const hash = (await taskOf(world, id)).planHash;
    expect((await planned(estate, id)).instances).toMatchObject([{ machine: null }, { machine: null }]);
    expect(outcome(await act(estate.manager, id, 'start'))).toEqual([200, 0]);
    expect(await taskOf(world, id)).toMatchObject({ status: 'running', planRound: 1, planHash: hash });
    hosts.stuck([name]);
    const subTask = accepted(await upgrade(estate, id));
    await eventually(() => isAtWork(hosts, name), { timeout: 30_000 });
    await setHost(last, { minionId: 'elsewhere' });
    hosts.letGo();
    await endedTask(world, subTask);
    expect((await resultsOf(world, subTask))[1]?.message).toContain('is not the machine in the plan: it was minion ');
    await act(estate.manager, id, 'close');
    const answer = await act(estate.manager, other, 'start');
    expect(messageOf(answer)).toContain('back in review: the instances or their versions');
  });
});

test('a health check calls the address that the plan names, wherever its host is led meanwhile', async () => {
  const { estate, last, name } = await estateOf('salt', 1);
  const called: (string | undefined)[] = [];
  const server = createServer(({ url }, response) => {
    called.push(url);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await setHost(last, { ipAddress: listed('127.0.0.1') });
  const { port } = server.address() as AddressInfo;
  const health = { url: `http://{{ip}}:${port}/{{hostname}}`, expect_status: 200, retries: 0 };
  hosts.stuck([name]);
  const strategy = { mode: 'rolling', batch_size: 1, health_check: health };
  const id = await startedOnMemory(world, estate, { strategy });
  await eventually(() => isAtWork(hosts, name), { timeout: 30_000 });
  await setHost(last, { ipAddress: listed(anAddress()) });
  hosts.letGo();
  await eventually(async () => (await statusOf(id)) === 'finished', { timeout: 30_000 });
  expect(called).toEqual([`/${name}`]);
  await new Promise((resolve) => server.close(resolve));
});

test('sub-tasks take instances of the plan only, and the task ends when those have its version', async () => {
  const { estate } = await estateOf('salt');
  const id = await startedOnMemory(world, estate);
  const { applicationId } = estate;
  const added = await memoryEstate(world, hosts, 1);
  const [late = 0] = added.instanceIds;
  await world.db.updateTable('instances').set({ applicationId }).where('id', '=', late).execute();
  const all = [...estate.instanceIds, late].map((one) => ({ id: one }));
  for (const instances of [[{ id: late }], all])
    for (const answer of [await upgrade(estate, id, { instances }), await revert(estate, id, { instances })]) {
      expect(outcome(answer)).toEqual([409, 10005]);
      expect(messageOf(answer)).toBe(
        `not in the plan that was approved: instances ${late} (${added.hostnames[0] ?? ''})`,
      );
    }
  accepted(await upgrade(estate, id));
  await eventually(async () => (await statusOf(id)) === 'finished', { timeout: 30_000 });
  const { version } = await world.db
    .selectFrom('instances')
    .select('version')
    .where('id', '=', late)
    .executeTakeFirstOrThrow();
  expect(version).toBeNull();
});

describe('a package that was not read cannot be approved', () => {
  const later = packagePath('later');
  const place = (estate: TestEstate): void => {
    for (const name of estate.hostnames) {
      const files = hosts.world.hosts.get(name)?.files;
      const data = files?.get(packagePath('1.0.0'));
      if (data) files?.set(later, data);
    }
  };
  const waitsFor = async ({ manager }: TestEstate, id: number) =>
    (await manager.get<{ waiting_on: { kind: string; text: string } }>(taskPath(id))).body.waiting_on;
  const patience = { timeout: 30_000 };

  test('no vote counts, by the API or by message, and another round begins once it can be read', async () => {
    const { estate } = await estateOf('salt');
    const id = await task(estate, { package_source: later });
    expect(await planned(estate, id)).toMatchObject({ unread: true, package: { sha256: null } });
    expect(await waitsFor(estate, id)).toMatchObject({
      kind: 'package',
      text: expect.stringContaining('its package cannot be read: there is no package at') as string,
    });
    const { body } = await estate.reviewer.get<{ results: { id: number }[] }>(
      '/application/deploy-tasks/?awaiting_me=true',
    );
    expect(body.results).toEqual([]);
    const vote = await approveSeen(world, estate.reviewer, id);
    expect([...outcome(vote), messageOf(vote)]).toEqual([
      409,
      10005,
      expect.stringContaining('the package cannot be read: there is no package at') as unknown,
    ]);
    const handle = world.temporal.workflow.getHandle(deployTaskWorkflowId(id));
    const { planHash: seen } = await taskOf(world, id);
    const named = { actor: estate.reviewer.username, channel: 'chat', messageId: `m-${id}`, planHash: seen ?? '' };
    await handle.signal('decide', signed(world, id, { decision: 'approve', ...named }));
    const refusal = async () =>
      (await traces(world, id)).audit.some(({ detailEn }) => detailEn.includes('the package cannot be read'));
    await eventually(refusal, patience);
    expect((await traces(world, id)).votes).toEqual([]);
    place(estate);
    await handle.signal('reconsider');
    await eventually(async () => (await taskOf(world, id)).planRound === 2, patience);
    expect(await planned(estate, id)).toMatchObject({ unread: false, changed_since_approval: 'the package' });
    expect((await waitsFor(estate, id)).kind).toBe('votes');
    expect((await traces(world, id)).events.at(-1)).toMatchObject({ event: 'plan_changed', reason: 'the package' });
    expect(outcome(await approveSeen(world, estate.reviewer, id))).toEqual([200, 0]);
    expect(outcome(await act(estate.manager, id, 'start'))).toEqual([200, 0]);
  });

  test('at level I it is not started before, and then it is', async () => {
    const { estate } = await estateOf('salt');
    const id = await task(estate, { package_source: later, level: 'I' });
    expect([await statusOf(id), (await waitsFor(estate, id)).kind]).toEqual(['approved', 'package']);
    const refused = await act(estate.manager, id, 'start', { force: true });
    expect([...outcome(refused), messageOf(refused)]).toEqual([
      409,
      10005,
      expect.stringContaining('the package cannot be read') as unknown,
    ]);
    expect(await taskOf(world, id)).toMatchObject({ status: 'approved', startedTime: null });
    place(estate);
    expect(outcome(await act(estate.manager, id, 'start'))).toEqual([200, 0]);
    expect((await planned(estate, id)).unread).toBe(false);
    const subTask = accepted(await upgrade(estate, id, { update_source: later }));
    expect((await endedTask(world, subTask)).status).toBe('finished');
  });

  test('breaking glass does not bypass it', async () => {
    const { estate } = await estateOf('salt');
    const { id: night } = await roleOf(world, estate, 0);
    await makePolicy(admin, estate, { steps: [{ groups: [{ count: 1 }] }], break_glass: night });
    await world.db.insertInto('userRoles').values({ userId: estate.manager.id, roleId: night }).execute();
    const id = await task(estate, { package_source: later });
    const refused = await act(estate.manager, id, 'start', { break_glass: true, reason: 'down' });
    expect([...outcome(refused), messageOf(refused)]).toEqual([
      409,
      10005,
      expect.stringContaining('the package cannot be read') as unknown,
    ]);
    expect(await statusOf(id)).toBe('wait_review');
  });

  test('votes on an unread plan from before count for no start without a checksum', async () => {
    const { estate } = await estateOf('salt');
    tellsUnread = false;
    const id = await task(estate, { package_source: later });
    tellsUnread = true;
    await asBefore(world, id);
    expect(outcome(await approveSeen(world, estate.reviewer, id))).toEqual([200, 0]);
    const refused = await act(estate.manager, id, 'start');
    expect([...outcome(refused), messageOf(refused)]).toEqual([
      409,
      10005,
      expect.stringContaining('the package cannot be read') as unknown,
    ]);
    place(estate);
    const changed = await act(estate.manager, id, 'start');
    expect([...outcome(changed), messageOf(changed)]).toEqual([
      409,
      10005,
      expect.stringContaining('back in review: the package') as unknown,
    ]);
    expect(await taskOf(world, id)).toMatchObject({ status: 'wait_review', planRound: 2, startedTime: null });
  });
});
