import { freePort } from '../../embedded/ports.ts';
import { createZabbix } from '../../activities/providers/monitoring/zabbix.ts';
import type { ZabbixOptions } from '../../activities/providers/monitoring/zabbix.ts';
import { eventually, unique } from '../support/harness.ts';
import { zabbixTrouble } from '../support/doubles/zabbix-trouble.ts';
import type { ZabbixTrouble } from '../support/doubles/zabbix-trouble.ts';
import { monitoringSuite } from './monitoring.suite.ts';
import { startZabbix } from '../support/servers/zabbix.ts';
import type { ZabbixServer } from '../support/servers/zabbix.ts';

const groups = ['Linux servers', 'Virtual machines'] as const;
const templates = ['Linux by Zabbix agent', 'ICMP Ping'] as const;
const password = 'correct-horse-battery';

let server: ZabbixServer;
let trouble: ZabbixTrouble;

beforeAll(async () => {
  server = await startZabbix(process.env.TEST_DATABASE_URL ?? '');
  trouble = await zabbixTrouble(server.url);
  await server.api('user.create', { username: 'slipway', passwd: password, roleid: '3', usrgrps: [{ usrgrpid: '7' }] });
});
afterAll(async () => {
  await trouble.close();
  await server.close();
}, 60_000);

const driver = (over: Partial<ZabbixOptions> = {}) =>
  createZabbix({
    url: trouble.url,
    user: 'slipway',
    password,
    defaultGroup: 'Discovered hosts',
    minSeverity: 'average',
    ...over,
  });

interface RawHost {
  hostid: string;
  status: string;
  maintenance_status: string;
  groups: { name: string }[];
  parentTemplates: { name: string }[];
  interfaces: { type: string; useip: string; ip: string; dns: string; port: string }[];
  items: { itemid: string }[];
}

/** A host as Zabbix shows it to somebody else; null: not there. */
async function rawHost(name: string): Promise<RawHost | null> {
  const [found] = await server.api<RawHost[]>('host.get', {
    output: ['hostid', 'status', 'maintenance_status'],
    filter: { host: [name] },
    selectGroups: ['name'],
    selectParentTemplates: ['name'],
    selectInterfaces: 'extend',
    selectItems: ['itemid'],
  });
  return found ?? null;
}

async function look(name: string) {
  const host = await rawHost(name);
  return (
    host && {
      enabled: host.status === '0',
      inMaintenance: host.maintenance_status === '1',
      groups: host.groups.map((one) => one.name).sort(),
      templates: host.parentTemplates.map((one) => one.name).sort(),
    }
  );
}

/**
 * A trigger on a trapper item that is set off by a value. The server reads items and triggers into its cache now and
 * then: a value that comes after the item was read and before its trigger was sets off nothing, so it is sent again.
 */
async function raise(host: string, text: string, priority = 4): Promise<void> {
  const key = `test.${unique()}`;
  const hostid = (await rawHost(host))?.hostid;
  await server.api('item.create', { hostid, name: key, key_: key, type: 2, value_type: 3 });
  const { triggerids } = await server.api<{ triggerids: string[] }>('trigger.create', {
    description: `${text} on {HOST.NAME}`,
    expression: `last(/${host}/${key})=1`,
    priority,
  });
  await eventually(
    async () => {
      await server.trap(host, key, 1);
      const [trigger] = await server.api<{ value: string }[]>('trigger.get', { triggerids, output: ['value'] });
      return trigger?.value === '1';
    },
    { timeout: 60_000, interval: 500 },
  );
}

monitoringSuite('Zabbix', async () => ({
  monitoring: driver(),
  another: () => driver(),
  groups,
  templates,
  look,
  periods: async (key) => (await periodsOf(key)).length,
  raiseProblem: raise,
  meet: (kind) => trouble.next(kind),
  secrets: [password],
  close: async () => undefined,
}));

interface RawPeriod {
  active_since: string;
  active_till: string;
  description: string;
  timeperiods: { start_date: string; period: string; timeperiod_type: string }[];
}

const periodsOf = (key: string): Promise<RawPeriod[]> =>
  server.api('maintenance.get', { filter: { name: [`slipway: ${key}`] }, selectTimeperiods: 'extend' });

const failureOf = (work: Promise<unknown>): Promise<{ kind?: string; message: string }> =>
  work.then(
    () => ({ message: 'nothing was thrown' }),
    (error: unknown) => error as Error,
  );

describe('hosts in Zabbix', () => {
  test('are asked at their address, at a name that is given, or else at their own name', async () => {
    const monitoring = driver();
    const [byIp, bySix, byDns, bare] = [0, 1, 2, 3].map((n) => `web-${n}-${unique()}`) as [
      string,
      string,
      string,
      string,
    ];
    await monitoring.ensureHost({ name: byIp, addresses: ['192.0.2.9', '192.0.2.10'] }, {});
    await monitoring.ensureHost({ name: bySix, addresses: ['2001:db8::9'] }, {});
    await monitoring.ensureHost({ name: byDns, addresses: ['web.example.com'] }, {});
    const made = await monitoring.ensureHost({ name: bare, addresses: [] }, { groups: [] });
    expect(made.groups).toEqual(['Discovered hosts']);
    const interfaces = await Promise.all(
      [byIp, bySix, byDns, bare].map(async (name) => (await rawHost(name))?.interfaces),
    );
    expect(interfaces).toMatchObject([
      [{ type: '1', useip: '1', ip: '192.0.2.9', port: '10050' }],
      [{ useip: '1', ip: '2001:db8::9' }],
      [{ useip: '0', dns: 'web.example.com' }],
      [{ useip: '0', dns: bare }],
    ]);
  });

  test('keep the items of templates that are taken off, and keep their interfaces', async () => {
    const host = { name: `web-${unique()}`, addresses: ['192.0.2.9'] };
    await driver().ensureHost(host, { templates: [templates[1]] });
    const before = await rawHost(host.name);
    expect(before?.items.length).toBeGreaterThan(0);
    await driver().ensureHost({ ...host, addresses: ['192.0.2.99'] }, { templates: [] });
    const after = await rawHost(host.name);
    expect(after).toMatchObject({ items: before?.items, interfaces: before?.interfaces, parentTemplates: [] });
  });

  test('are created once by many workers at once', async () => {
    const host = { name: `web-${unique()}`, addresses: ['192.0.2.9'] };
    const wanted = { groups: [groups[0]] };
    const answers = await Promise.all(Array.from({ length: 5 }, () => driver().ensureHost(host, wanted)));
    expect(answers).toEqual(Array.from({ length: 5 }, () => ({ groups: [groups[0]], templates: [] })));
  });

  test('are refused for good where Zabbix refuses, with its own words', async () => {
    const host = { name: `bad/name ${unique()}`, addresses: ['192.0.2.9'] };
    const error = await failureOf(driver().ensureHost(host, {}));
    expect(error).toMatchObject({ kind: 'refused', message: expect.stringContaining('Incorrect characters') });
  });
});

describe('maintenance in Zabbix', () => {
  test('is a period of whole minutes that covers now and reaches its end, with its reason', async () => {
    const host = { name: `web-${unique()}`, addresses: ['192.0.2.9'] };
    await driver().ensureHost(host, {});
    const key = `test/${unique()}`;
    const until = new Date(Date.now() + 20 * 60_000 + 500);
    await driver().beginMaintenance({ key, reason: 'deploy task 42', hosts: [host.name], until });
    const [period] = await periodsOf(key);
    const [since, till] = [Number(period?.active_since), Number(period?.active_till)];
    expect((since % 60) + (till % 60)).toBe(0);
    expect(since * 1000).toBeLessThan(Date.now());
    expect(till * 1000 - until.getTime()).toBeGreaterThanOrEqual(0);
    expect(till * 1000 - until.getTime()).toBeLessThan(60_000);
    expect(period).toMatchObject({
      description: 'deploy task 42',
      timeperiods: [{ timeperiod_type: '0', start_date: String(since), period: String(till - since) }],
    });
    await driver().endMaintenance(key);
  });

  test('is begun once by many workers at once, and ended once', async () => {
    const host = { name: `web-${unique()}`, addresses: ['192.0.2.9'] };
    await driver().ensureHost(host, {});
    const key = `test/${unique()}`;
    const period = { key, reason: 'deploy', hosts: [host.name], until: new Date(Date.now() + 600_000) };
    await Promise.all(Array.from({ length: 5 }, () => driver().beginMaintenance(period)));
    expect(await periodsOf(key)).toHaveLength(1);
    await Promise.all(Array.from({ length: 5 }, () => driver().endMaintenance(key)));
    expect(await periodsOf(key)).toHaveLength(0);
  });
});

describe('problems in Zabbix', () => {
  test('count from the severity that is set, and of hosts that are watched', async () => {
    const host = { name: `web-${unique()}`, addresses: ['192.0.2.9'] };
    await driver().ensureHost(host, {});
    await raise(host.name, 'a trifle', 2);
    const trifles = driver({ minSeverity: 'warning' });
    await eventually(async () => (await trifles.openProblems([host.name])).size === 1, { timeout: 60_000 });
    expect(await trifles.openProblems([host.name])).toEqual(new Map([[host.name, [`a trifle on ${host.name}`]]]));
    expect(await driver().openProblems([host.name])).toEqual(new Map());
    await driver().disableHost(host.name);
    expect(await trifles.openProblems([host.name])).toEqual(new Map());
  });
});

describe('access to Zabbix', () => {
  const someHost = { name: `web-${unique()}`, addresses: ['192.0.2.9'] };

  test('by a wrong password is refused, and the password is not told', async () => {
    const error = await failureOf(driver({ password: 'wrong-password' }).disableHost('x'));
    expect(error).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('Incorrect user name or password'),
    });
    expect(error.message).not.toContain('wrong-password');
  });

  test('by a session that Zabbix has ended logs in once more', async () => {
    const monitoring = driver();
    await monitoring.ensureHost(someHost, {});
    trouble.forget();
    await server.sql('delete from sessions');
    await Promise.all([monitoring.ensureHost(someHost, {}), monitoring.openProblems([someHost.name])]);
    expect(trouble.methods.filter((method) => method === 'user.login')).toHaveLength(1);
  });

  test('by a token needs no login; a wrong one is refused and not told', async () => {
    const [{ userid }] = await server.api<[{ userid: string }]>('user.get', { filter: { username: 'slipway' } });
    const made = await server.api<{ tokenids: string[] }>('token.create', { name: unique(), userid });
    const [{ token }] = await server.api<[{ token: string }]>('token.generate', made.tokenids);
    const access = { user: undefined, password: undefined };
    trouble.forget();
    expect(await driver({ ...access, token }).ensureHost(someHost, {})).toMatchObject({ templates: [] });
    expect(trouble.methods).not.toContain('user.login');
    const wrong = `${'0'.repeat(60)}beef`;
    const error = await failureOf(driver({ ...access, token: wrong }).disableHost('x'));
    expect(error).toMatchObject({ kind: 'refused' });
    expect(error.message).not.toContain(wrong);
  });

  test('without the right to change anything is refused', async () => {
    const guest = { username: `guest-${unique()}`, passwd: 'may-only-look-at-it', roleid: '1' };
    await server.api('user.create', { ...guest, usrgrps: [{ usrgrpid: '7' }] });
    const reader = driver({ user: guest.username, password: guest.passwd, defaultGroup: groups[0] });
    expect(await failureOf(reader.ensureHost(someHost, {}))).toMatchObject({
      message: expect.stringContaining(groups[0]),
    });
    const period = { key: unique(), reason: 'x', hosts: [someHost.name], until: new Date() };
    expect(await reader.beginMaintenance(period)).toEqual([someHost.name]);
  });

  test('an address without a listener, or a frontend without its database, is unavailable', async () => {
    const nobody = driver({ url: `http://127.0.0.1:${await freePort()}` });
    expect(await failureOf(nobody.disableHost('x'))).toMatchObject({ kind: 'unavailable' });
    const away = await server.withoutDatabase(() => failureOf(driver().disableHost('x')));
    expect(away).toMatchObject({ kind: 'unavailable' });
    await driver().disableHost('x');
  });
});
