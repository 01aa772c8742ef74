// A machine has one host row, and commands reach it only by a way that an authorised person has admitted.
import { parseConfig } from '../../kit/config/config.ts';
import { unavailable } from '../../activities/providers/error.ts';
import { createMemoryRunner } from '../../activities/providers/runner/memory.ts';
import { adopt } from '../../db/host-imports/adopt.ts';
import { accepted, act, resultsOf, upgrade } from '../support/deploy/acts.ts';
import { memoryEstate, memoryHosts, onMemory, startedOnMemory } from '../support/deploy/memory-hosts.ts';
import { eventually, unique } from '../support/harness.ts';
import { endedHostTask } from '../support/hosts/fleet.ts';
import { endedTask, makeTask, testWorld, type TestEstate, type World } from '../support/world.ts';
import { admitHosts, testApp, type ApiResponse, type TestUser } from '../support/api/app.ts';
import { anApplication, created, recordsOf, type RefusalBody } from '../support/api/inventory.ts';

let t: World;
const hosts = memoryHosts();
let admin: TestUser;
/** May add hosts, and sees none but their own. */
let mallory: TestUser;
beforeAll(async () => {
  const { settings, providers } = onMemory(hosts);
  const runners = { ...providers.runners, ssh: createMemoryRunner(hosts.world) };
  const { hostRules } = parseConfig({ SLIPWAY_RUN_USERS: '*' });
  t = await testWorld({
    settings: { ...settings, sshKeyFile: '/key', hostRules },
    providers: { runners },
    logLevel: 'fatal',
  });
  admin = await t.user({ admin: true });
  mallory = await t.user({ system: ['add_host', 'create_app'] });
});
afterAll(() => t.close());

interface Host {
  id: number;
  name: string;
  admission: 'admitted' | 'waiting';
  way: string | null;
  [field: string]: unknown;
}

const at = (address: string): object => ({ addr_type: 'PRIVATE', address });
let addresses = 0;
const anAddress = (): string => `10.77.${Math.floor((addresses += 1) / 250)}.${addresses % 250}`;
const fields = (more: object = {}) => ({ name: `host-${unique()}`, host_type: 'PHY_HOST', runner: 'ssh', ...more });
const aHost = (by = admin, more: object = {}): Promise<Host> =>
  created(by, '/hosts/', fields({ ip_address: [at(anAddress())], ...more }));
const messageOf = (answer: ApiResponse<object>): string => (answer.body as RefusalBody).message;
const notAvailable = 'this machine is not available';

type Make = () => { taken: object; coming: object };
const ways: [string, Make][] = [
  ['the address of SSH', () => same({ ip_address: [at(anAddress())] })],
  [
    'the address of SSH as IPv4 in IPv6',
    () => {
      const address = anAddress();
      const mapped = new URL(`http://[::ffff:${address}]`).hostname.slice(1, -1);
      return { taken: { ip_address: [at(address)] }, coming: { ip_address: [at(mapped)] } };
    },
  ],
  [
    'an address that it lists second',
    () => {
      const second = anAddress();
      return { taken: { ip_address: [at(anAddress()), at(second)] }, coming: { ip_address: [at(second)] } };
    },
  ],
  ['its minion', () => same({ runner: 'salt', minion_id: `minion-${unique()}` })],
  [
    'its minion in capitals',
    () => {
      const name = `minion-${unique()}`;
      return { taken: { runner: 'salt', minion_id: name }, coming: { runner: 'salt', minion_id: name.toUpperCase() } };
    },
  ],
  [
    'its name as the minion of another host',
    () => {
      const name = `minion-${unique()}`;
      return { taken: { runner: 'salt', name }, coming: { runner: 'salt', minion_id: name } };
    },
  ],
  [
    'its address for a minion to be installed',
    () => {
      const ip_address = [at(anAddress())];
      return { taken: { ip_address }, coming: { runner: 'salt', minion_id: `minion-${unique()}`, ip_address } };
    },
  ],
  ['its id at a provider', () => same({ host_type: 'TECENT_CVM', provider_id: `ins-${unique()}` })],
  ['its controller', () => same({ ipmi: { address: `bmc-${unique()}.example`, username: 'u', password: 'p' } })],
];
function same(one: object) {
  return { taken: one, coming: one };
}

describe('a second host row with a machine’s way', () => {
  test.each(ways)('is refused to someone who may not see that machine: %s', async (_way, make) => {
    const { taken, coming } = make();
    await aHost(admin, taken);
    const answer = await mallory.post('/hosts/', fields({ ip_address: [at(anAddress())], ...coming }));
    expect([answer.status, messageOf(answer)]).toEqual([409, notAvailable]);
  });

  test.each(ways)('is refused in a change of a host of one’s own: %s', async (_way, make) => {
    const { taken, coming } = make();
    await aHost(admin, taken);
    const own = await aHost(mallory, 'host_type' in coming ? { host_type: coming.host_type } : {});
    const answer = await mallory.patch(`/hosts/${own.id}/`, coming);
    expect([answer.status, messageOf(answer)]).toEqual([409, notAvailable]);
  });

  test('is refused to someone who may see that machine and not edit it, in the same words', async () => {
    const taken = await aHost();
    const viewer = await t.user({ system: ['add_host'], host: { [taken.id]: ['view_host'] } });
    const answer = await viewer.post('/hosts/', fields({ ip_address: [at(addressOf(taken))] }));
    expect(messageOf(answer)).toBe(notAvailable);
  });

  test('names the host to someone who may edit it', async () => {
    const taken = await aHost();
    const answer = await admin.post('/hosts/', fields({ ip_address: [at(addressOf(taken))] }));
    expect([answer.status, messageOf(answer)]).toEqual([409, `host ${taken.name} is already this machine`]);
  });

  test('is refused by the database as well, no matter who writes it', async () => {
    const taken = await aHost();
    const row = { name: `host-${unique()}`, hostType: 'PHY_HOST', runner: 'ssh', creator: 'test' } as const;
    const ipAddress = JSON.stringify([{ address: addressOf(taken) }]);
    const written = t.db
      .insertInto('hosts')
      .values({ ...row, ipAddress })
      .execute();
    await expect(written).rejects.toMatchObject({ constraint: 'hosts_runner_way' });
  });

  test('is given to one of two that come at once', async () => {
    const ip_address = [at(anAddress())];
    const answers = await Promise.all([1, 2].map(() => mallory.post('/hosts/', fields({ ip_address }))));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
  });

  test('is made of no machine that an import found, which says so', async () => {
    const taken = await aHost(admin, { runner: 'salt', minion_id: `minion-${unique()}` });
    const { id: importId } = await t.db
      .insertInto('hostImports')
      .values({
        kind: 'import',
        sources: '["SALT"]',
        adopt: true,
        creator: 'test',
        createdTime: new Date(),
        finishedTime: null,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    const finding = {
      importId,
      source: 'SALT' as const,
      hostType: 'PHY_HOST' as const,
      difference: 'new' as const,
      addresses: '[]',
      hostId: null,
      adoptedTime: null,
      note: null,
      providerId: null,
      osStatus: null,
      account: '',
      region: '',
      osType: '',
      cpu: null,
      memory: null,
      location: '',
    };
    const [known, fresh] = [String(taken['minion_id']), `minion-${unique()}`];
    await t.db
      .insertInto('hostImportFindings')
      .values([known, fresh].map((key) => ({ ...finding, key, name: `found-${key}`, minionId: key })))
      .execute();
    await adopt(t.db, importId, true, { id: admin.id, username: admin.username, channel: 'console' });
    const rows = await t.db.selectFrom('hostImportFindings').selectAll().where('importId', '=', importId).execute();
    expect(rows.map(({ key, hostId, note }) => [key, hostId !== null, note])).toEqual([
      [known, false, 'a host with this name, id or minion is there already'],
      [fresh, true, null],
    ]);
    const adopted = rows.find(({ key }) => key === fresh)?.hostId ?? 0;
    expect((await admin.get<Host>(`/hosts/${adopted}/`)).body.admission).toBe('admitted');
  });

  test('is free again once that host is deleted', async () => {
    const taken = await aHost();
    await admin.delete(`/hosts/${taken.id}/`);
    expect((await mallory.post('/hosts/', fields({ ip_address: [at(addressOf(taken))] }))).status).toBe(201);
  });

  test('does not keep hosts from sharing what leads nowhere: local ones, and addresses that Salt does not use', async () => {
    for (const more of [{ runner: 'local' }, { runner: 'salt' }]) {
      const ip_address = [at('10.79.0.1')];
      const pair = [fields({ ...more, ip_address }), fields({ ...more, ip_address })];
      for (const body of pair) expect((await admin.post('/hosts/', body)).status).toBe(201);
    }
  });
});

const addressOf = (host: Host): string => (host['ip_address'] as { address: string }[])[0]?.address ?? '';

describe('a host created without manage_host', () => {
  const waits = (name: string): string =>
    `host ${name} is new, or is reached in a new way: someone with the system permission manage_host has to admit it first`;
  const init = (by: TestUser, id: number) => by.post('/hosts/init-tasks/', { hosts: [{ id }], opts: {} });

  test('waits, says what it is reached by, and no task of it begins', async () => {
    const host = await aHost(mallory);
    expect(host).toMatchObject({ admission: 'waiting', way: `ssh ${addressOf(host)}` });
    const asked = [
      init(mallory, host.id),
      mallory.post(`/hosts/${host.id}/actions/change-status/`, { status: 'inited' }),
      mallory.post('/hosts/restart-tasks/', [{ host_id: host.id }]),
    ];
    for (const answer of await Promise.all(asked))
      expect([answer.status, messageOf(answer)]).toEqual([409, waits(host.name)]);
  });

  test.each([
    [
      'actions of its instances',
      (by: TestUser, app: number, instance: number) =>
        by.post(`/applications/${app}/instances/${instance}/actions/start/`, {}),
    ],
    [
      'reading its logs',
      (by: TestUser, app: number, instance: number) => by.get(`/applications/${app}/instances/${instance}/log/`),
    ],
  ])('refuses %s', async (_what, ask) => {
    const host = await aHost(mallory);
    const app = await anApplication(mallory, { stdout_path: '/var/log/a', startup_cmd: 'true', directory: '/srv/a' });
    const { id } = await t.db
      .insertInto('instances')
      .values({ applicationId: app, hostId: host.id })
      .returning('id')
      .executeTakeFirstOrThrow();
    const answer = await ask(mallory, app, id);
    expect([answer.status, messageOf(answer)]).toEqual([409, waits(host.name)]);
  });

  test('is admitted by a user with manage_host alone, which is recorded', async () => {
    const host = await aHost(mallory);
    const path = `/hosts/${host.id}/actions/admit/`;
    expect((await mallory.post(path)).status).toBe(403);
    const manager = await t.user({ system: ['manage_host'] });
    expect((await manager.post(path, { way: 'ssh 10.0.0.0' })).status).toBe(409);
    expect((await manager.post(path, { way: host.way })).body).toEqual({ message: 'success' });
    expect((await mallory.get<Host>(`/hosts/${host.id}/`)).body.admission).toBe('admitted');
    const last = (await recordsOf(t.db, 'host', host.id)).at(-1);
    expect(last).toMatchObject({ opType: 'update', changes: { admittedWay: [null, host.way] } });
  });

  test.each([
    ['its address', { ip_address: [at('10.80.0.1')] }],
    ['its runner', { runner: 'salt' }],
    ['its controller', { ipmi: { address: '10.80.0.2', username: 'u', password: 'p' } }],
    ['the address first in its list', { ip_address: [at('10.80.0.3'), at('10.80.0.4')] }],
  ])('waits again after a change of %s, and not after another one', async (_what, change) => {
    const host = await aHost(admin);
    const editor = await t.user({ host: { [host.id]: ['edit_host'] } });
    const admission = async (): Promise<string> => (await admin.get<Host>(`/hosts/${host.id}/`)).body.admission;
    await editor.patch(`/hosts/${host.id}/`, { description: 'new words', name: `renamed-${unique()}` });
    expect(await admission()).toBe('admitted');
    expect((await editor.patch(`/hosts/${host.id}/`, change)).status).toBe(200);
    expect(await admission()).toBe('waiting');
    await editor.patch(`/hosts/${host.id}/`, { ip_address: [at(addressOf(host))], runner: 'ssh', ipmi: null });
    expect(await admission()).toBe('admitted');
  });

  test('is admitted at once where a user with manage_host creates or redirects it', async () => {
    const host = await aHost(admin);
    expect(host.admission).toBe('admitted');
    const { body } = await admin.patch<Host>(`/hosts/${host.id}/`, { ip_address: [at(anAddress())] });
    expect(body.admission).toBe('admitted');
  });

  test('needs no admission where admission is open', async () => {
    const open = await testApp({ config: { ...parseConfig({ SLIPWAY_HOST_ADMISSION: 'open' }), sshKeyFile: '/key' } });
    const adder = await open.user({ system: ['add_host'] });
    expect((await aHost(adder)).admission).toBe('admitted');
    await open.close();
  });

  const withdraw = ({ hostnames }: Pick<TestEstate, 'hostnames'>) =>
    t.db.updateTable('hosts').set({ admittedWay: null }).where('name', 'in', hostnames).execute();

  test('is not deployed to: no start, no sub-task, and no further step of one that runs', async () => {
    const estate = await memoryEstate(t, hosts, 1);
    const [name = ''] = estate.hostnames;
    const started = await startedOnMemory(t, estate);
    hosts.stuck([name]);
    const subTask = accepted(await upgrade(estate, started, { timeout: 600 }));
    const isAt = async (step: string) => (await resultsOf(t, subTask))[0]?.step === step;
    await eventually(() => isAt('unpack'), { timeout: 60_000 });
    await withdraw(estate);
    hosts.letGo();
    expect(await endedTask(t, subTask, 60_000)).toMatchObject({ status: 'failed' });
    expect((await resultsOf(t, subTask))[0]?.message).toContain(waits(name));
    const again = await upgrade(estate, started);
    expect([again.status, messageOf(again)]).toEqual([409, waits(name)]);
    const { body: shown } = await estate.manager.get(`/application/deploy-tasks/${started}/`);
    const text = `host ${name} has to be admitted by someone who holds manage_host`;
    expect(shown).toMatchObject({ waiting_on: { kind: 'admission', text } });
    const other = await memoryEstate(t, hosts, 1);
    const id = await makeTask(t, { ...other, hostnames: [] }, { level: 'I' });
    await withdraw(other);
    const refused = await act(other.manager, id, 'start');
    expect([refused.status, messageOf(refused)]).toEqual([409, waits(other.hostnames[0] ?? '')]);
  });

  test('is not initialised by a task that began before', async () => {
    const host = await aHost(admin);
    await createMemoryRunner(hosts.world).prepare({ name: host.name, runner: 'ssh', address: addressOf(host) });
    const asked: string[] = [];
    hosts.world.failure = (method, name) => {
      if (name !== host.name) return undefined;
      asked.push(method);
      return unavailable('ssh', `${name} does not answer`);
    };
    const { body } = await init(admin, host.id);
    await eventually(() => asked.length > 0, { timeout: 30_000 });
    await withdraw({ hostnames: [host.name] });
    const task = await endedHostTask({ admin }, Number((body as { id?: number }).id), 60_000);
    expect(task).toMatchObject({ status: 'failed', results: [{ message: expect.stringContaining(waits(host.name)) }] });
  });

  test('counts as admitted if it was there before', async () => {
    const host = await aHost(mallory);
    await admitHosts(t.db, [host.id]);
    expect((await mallory.get<Host>(`/hosts/${host.id}/`)).body.admission).toBe('admitted');
  });
});
