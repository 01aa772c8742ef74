import { sql } from 'kysely';
import { parseConfig } from '../../kit/config/config.ts';
import { runnerNames } from '../../workflows/hosts/contract.ts';
import { unique } from '../support/harness.ts';
import { testApp, type TestApp, type TestUser } from '../support/api/app.ts';
import { aHost, anApplication, created, recordsOf, refusal, type Host, type Page } from '../support/api/inventory.ts';

let t: TestApp;
let admin: TestUser;
let adder: TestUser;
beforeAll(async () => {
  t = await testApp();
  admin = await t.user({ admin: true });
  adder = await t.user({ system: ['add_host'] });
});
afterAll(() => t.close());

const fields = (more: object = {}) => ({ name: `host-${unique()}`, host_type: 'PHY_HOST', ...more });
const add = (by: TestUser, more: object = {}) => by.post<Host>('/hosts/', fields(more));

test('the database takes the runners that the table of runners lists, and no others', async () => {
  const { rows } = await sql<{ rule: string }>`select pg_get_constraintdef(oid) as rule from pg_constraint
    where conname = 'hosts_runner_check'`.execute(t.db);
  const taken = [...(rows[0]?.rule ?? '').matchAll(/'([^']+)'/g)].map(([, name]) => name);
  expect(taken.sort()).toEqual([...runnerNames].sort());
});

describe('creating a host', () => {
  test('starts raw, gives its creator all seven permissions, and is recorded', async () => {
    const address = { addr_type: 'PRIVATE', address: '10.0.0.5', netmask: 24, network: '10.0.0.0' };
    const host = await created<Host>(adder, '/hosts/', fields({ cpu: 8, memory: 16_000, ip_address: [address] }));
    expect(host).toMatchObject({
      status: 'raw',
      os_status: null,
      runner: 'salt',
      minion_id: host.name,
      cpu: 8,
      busy: null,
      ipmi: null,
      ip_address: [{ ...address, netmask: '24', owner: 'HOST', is_virtual: false, id: expect.any(Number) as number }],
    });
    expect(Object.values(host['available_actions'] as object)).toEqual(Array(7).fill(true));
    const kinds = (await recordsOf(t.db, 'host', host.id)).map((one) => `${one.view}/${one.opType}`);
    expect(kinds.filter((kind) => kind === 'resources/enable')).toHaveLength(7);
    expect(kinds).toContain('host/add');
  });

  test.each([
    ['name', '../../etc'],
    ['name', 'a..b'],
    ['name', '-a'],
    ['name', 'a.'],
    ['name', 'a b'],
    ['name', 'a;reboot'],
    ['name', 'x'.repeat(254)],
    ['name', ''],
    ['host_type', 'TENCENT_CVM'],
    ['cpu', 0],
    ['cpu', 1e9],
    ['cpu', 1.5],
    ['memory', 100_000_001],
    ['provider_id', 'i-1'],
    ['runner', 'bash'],
    ['minion_id', '*'],
    ['minion_id', 'a or *'],
    ['status', 'inited'],
    ['busy', null],
    ['creator', 'me'],
    ['description', 'x'.repeat(2001)],
  ])('refuses a bad %s (%#)', async (field, value) => {
    expect(refusal(await add(adder, { [field]: value })).slice(0, 3)).toEqual([400, 10001, field]);
  });

  test.each([
    ['address', '010.0.0.1'],
    ['address', '10.0.0'],
    ['address', '2001:DB8::1'],
    ['address', '2001:0db8::1'],
    ['address', 'fe80::1%eth0'],
    ['netmask', '255.0.255.0'],
    ['netmask', '129'],
    ['netmask', '/24'],
    ['addr_type', 'SECRET'],
    ['owner', 'ME'],
    ['id', 7],
  ])('refuses a bad %s of an IP address (%#)', async (field, value) => {
    const ip = { addr_type: 'PUBLIC', address: '2001:db8::1', [field]: value };
    expect(refusal(await add(adder, { ip_address: [ip] }))).toEqual([400, 10001, `ip_address.0.${field}`]);
  });

  test('an address is unique per host', async () => {
    const ip = { addr_type: 'PUBLIC', address: '192.0.2.1' };
    expect(refusal(await add(adder, { ip_address: [ip, ip] }))).toEqual([400, 10001, 'ip_address.1.address']);
  });

  test('a name is unique regardless of case, a provider id per type', async () => {
    const host = await created<Host>(adder, '/hosts/', fields({ host_type: 'ALI_ECS', provider_id: unique() }));
    expect(refusal(await add(adder, { name: host.name.toUpperCase() }))).toEqual([409, 10005]);
    const same = { provider_id: host['provider_id'] };
    expect(refusal(await add(adder, { host_type: 'ALI_ECS', ...same }))).toEqual([409, 10005]);
    expect((await add(adder, { host_type: 'CLOUDSTACK', ...same })).status).toBe(201);
  });

  test('a local host needs an administrator and the local runner enabled', async () => {
    expect(refusal(await add(adder, { runner: 'local' }))).toEqual([403, 10003]);
    expect((await add(admin, { runner: 'local' })).status).toBe(201);
    const off = await testApp({ config: parseConfig({ SLIPWAY_LOCAL_RUNNER: 'off' }) });
    const other = await off.user({ admin: true });
    expect(refusal(await add(other, { runner: 'local' }))).toEqual([400, 10001, 'runner']);
    await off.close();
  });

  test('the IPMI password is sealed, never shown, and not redirected to another machine', async () => {
    const ipmi = { address: '192.0.2.9', username: 'root', password: 'hunter2hunter2' };
    const host = await created<Host>(adder, '/hosts/', fields({ ipmi }));
    expect(host['ipmi']).toEqual({ ...ipmi, password: '******' });
    const stored = await t.db.selectFrom('hosts').where('id', '=', host.id).select('ipmi').executeTakeFirstOrThrow();
    const records = await recordsOf(t.db, 'host', host.id);
    expect(JSON.stringify([stored, records, t.log])).not.toContain('hunter2');
    const set = (change: object) => adder.patch(`/hosts/${host.id}/`, { ipmi: { ...ipmi, ...change } });
    expect((await set({ password: '******', username: 'admin' })).status).toBe(200);
    const elsewhere = await set({ password: '******', address: '192.0.2.66' });
    expect(refusal(elsewhere)).toEqual([400, 10001, 'ipmi.password']);
    expect(refusal(await adder.patch(`/hosts/${host.id}/`, { host_type: 'ALI_ECS' }))).toEqual([400, 10001, 'ipmi']);
  });

  test('asks for add_host', async () => {
    expect(refusal(await add(await t.user()))).toEqual([403, 10003]);
  });
});

describe('seeing hosts', () => {
  test('lists what the caller may view; all filters have to match', async () => {
    const ip = { addr_type: 'PUBLIC', address: '198.51.100.77' };
    const other = { addr_type: 'PRIVATE', address: '2001:db8::7' };
    const host = await aHost(t.db, admin, 'raw', { location: 'Rack 7', ip_address: [ip, other] });
    const user = await t.user({ host: { [host.id]: ['login_host'] } });
    const count = async (by: TestUser, query: string) => (await by.get<Page>(`/hosts/?${query}`)).body.count;
    expect(await count(user, '')).toBe(1);
    expect(await count(await t.user(), '')).toBe(0);
    for (const address of ['51.100.7', '198.51.100.77', '01:DB8::7'])
      expect(await count(admin, `ip=${address}`)).toBe(1);
    for (const none of ['51.100.8', '51x100', '772001', '%25', '51,100'])
      expect(await count(admin, `ip=${none}`)).toBe(0);
    expect(await count(user, 'location=rack&status=raw&host_type=PHY_HOST')).toBe(1);
    expect(await count(user, 'status=inited')).toBe(0);
    expect((await user.get('/hosts/?status=broken')).status).toBe(400);
  });

  test('a host is found by any part of its name or address, regardless of its numbers', async () => {
    const name = `Rack-2024.Node-31.${unique()}`;
    const ip = ['10.20.30.40', '10.20.130.4', 'fd00::1:204'].map((address) => ({ addr_type: 'PRIVATE', address }));
    await aHost(t.db, admin, 'raw', { name, ip_address: ip });
    const count = async (query: string) => (await admin.get<Page>(`/hosts/?${query}`)).body.count;
    for (const part of [
      name,
      name.toLowerCase(),
      name.toUpperCase(),
      '2024',
      'ACK-2024.n',
      '024.node-31.',
      'ck-20',
      '4.n',
    ])
      expect([part, await count(`name=${part}`)]).toEqual([part, 1]);
    for (const not of ['rack-2024-node', 'rock-2024', '2024.node-32', 'node-31.2024', 'rack_2024', '2024%25'])
      expect([not, await count(`name=${not}`)]).toEqual([not, 0]);
    for (const part of ['20.30.4', '10.20.30.40', '0.130.', '.30.', '30.40', '::1:20', ':1:204', 'D00::'])
      expect([part, await count(`ip=${part}`)]).toEqual([part, 1]);
    for (const not of ['21.30.4', '10.20.30.41', '20.130.40', '30.401', '::2:204', '40.10'])
      expect([not, await count(`ip=${not}`)]).toEqual([not, 0]);
  });

  test('by location: finds the current location, not the previous one', async () => {
    const place = `Room ${unique()}`;
    const [host, other] = [await aHost(t.db, admin, 'raw', { location: `${place}, rack 1` }), await aHost(t.db, admin)];
    const at = async (location: string) => {
      const { body } = await admin.get<Page>(`/hosts/?location=${location}`);
      return [body.count, ...body.results.map(({ id }) => id)];
    };
    expect(await at(place.toLowerCase())).toEqual([1, host.id]);
    await admin.patch(`/hosts/${other.id}/`, { location: `${place}, rack 2` });
    expect(await at(place)).toEqual([2, host.id, other.id]);
    await admin.patch(`/hosts/${host.id}/`, { location: 'elsewhere' });
    expect(await at(place)).toEqual([1, other.id]);
    expect(await at(`${place}, rack 1`)).toEqual([0]);
  });

  test('by application, and the applications of a host: as far as the caller may view them', async () => {
    const [app, host] = [await anApplication(admin), await aHost(t.db, admin)];
    await admin.post(`/applications/${app}/instances/`, [{ hostid: host.id }]);
    const user = await t.user({ host: { [host.id]: ['view_host'] } });
    const counts = async (by: TestUser) => [
      (await by.get<Page>(`/hosts/?application=${app}`)).body.count,
      (await by.get<Page>(`/hosts/${host.id}/applications/`)).body.count,
    ];
    expect(await counts(admin)).toEqual([1, 1]);
    expect(await counts(user)).toEqual([0, 0]);
  });

  test('a hidden host is 404, a visible one without edit permission is refused', async () => {
    const host = await aHost(t.db, admin);
    const viewer = await t.user({ host: { [host.id]: ['view_host'] } });
    const stranger = await t.user();
    expect((await viewer.get(`/hosts/${host.id}/`)).status).toBe(200);
    for (const call of [
      (by: TestUser) => by.patch(`/hosts/${host.id}/`, { cpu: 1 }),
      (by: TestUser) => by.delete(`/hosts/${host.id}/`),
    ]) {
      expect(refusal(await call(viewer))).toEqual([403, 10003]);
      expect(refusal(await call(stranger))).toEqual([404, 10004]);
    }
  });
});

describe('changing and deleting a host', () => {
  test('returns the host and records before and after', async () => {
    const host = await aHost(t.db, admin);
    const before = (await recordsOf(t.db, 'host', host.id)).length;
    const { body } = await admin.patch<Host>(`/hosts/${host.id}/`, { location: 'Rack 9' });
    expect(body).toMatchObject({ location: 'Rack 9', name: host.name });
    await admin.patch(`/hosts/${host.id}/`, { location: 'Rack 9' });
    const records = (await recordsOf(t.db, 'host', host.id)).slice(before);
    expect(records).toMatchObject([{ opType: 'update', changes: { location: ['', 'Rack 9'] } }]);
    expect(refusal(await admin.patch(`/hosts/${host.id}/`, {}))).toEqual([400, 10001, '']);
  });

  test('an unchanged address keeps its id', async () => {
    const ip = (address: string) => ({ addr_type: 'PRIVATE', address });
    const host = await aHost(t.db, admin, 'raw', { ip_address: [ip('10.0.0.1')] });
    const { body } = await admin.patch<Host>(`/hosts/${host.id}/`, { ip_address: [ip('10.0.0.2'), ip('10.0.0.1')] });
    const [added, kept] = body['ip_address'] as { id: number }[];
    expect(kept).toEqual((host['ip_address'] as unknown[])[0]);
    expect(added?.id).not.toBe(kept?.id);
  });

  test('a busy host keeps what its task relies on, and cannot be deleted', async () => {
    const host = await aHost(t.db, admin);
    await t.db.updateTable('hosts').set({ busyKind: 'init', busyTaskId: 9 }).where('id', '=', host.id).execute();
    const change = (body: object) => admin.patch(`/hosts/${host.id}/`, body);
    expect((await change({ description: 'still allowed', name: host.name })).status).toBe(200);
    for (const body of [{ name: 'other' }, { host_type: 'ALI_ECS' }, { runner: 'ssh' }, { minion_id: 'm' }])
      expect(refusal(await change(body))).toEqual([409, 10005]);
    expect(refusal(await admin.delete(`/hosts/${host.id}/`))).toEqual([409, 10005]);
  });

  test('a local host with instances keeps its name, which is its folder', async () => {
    const [app, host] = [await anApplication(admin), await aHost(t.db, admin)];
    await admin.post(`/applications/${app}/instances/`, [{ hostid: host.id }]);
    expect(refusal(await admin.patch(`/hosts/${host.id}/`, { name: `n-${unique()}` }))).toEqual([409, 10005]);
    expect(refusal(await admin.delete(`/hosts/${host.id}/`))).toEqual([409, 10005]);
  });

  test('only an administrator makes a host local', async () => {
    const host = await created<Host>(adder, '/hosts/', fields());
    expect(refusal(await adder.patch(`/hosts/${host.id}/`, { runner: 'local' }))).toEqual([403, 10003]);
  });

  test('a deleted host is gone, its name is free, its record stays', async () => {
    const host = await aHost(t.db, admin);
    expect((await admin.delete(`/hosts/${host.id}/`)).body).toEqual({ message: 'success' });
    expect((await admin.get(`/hosts/${host.id}/`)).status).toBe(404);
    expect((await recordsOf(t.db, 'host', host.id)).at(-1)?.opType).toBe('delete');
    expect((await add(admin, { name: host.name })).status).toBe(201);
  });
});
