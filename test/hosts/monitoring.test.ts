// What host tasks tell monitoring: periods of maintenance, groups and templates, hosts that leave.
import { refused, unavailable } from '../../activities/providers/error.ts';
import { refusal } from '../support/api/inventory.ts';
import { eventually } from '../support/harness.ts';
import {
  aMachine,
  endedHostTask,
  entriesOf,
  hostRow,
  machines,
  monitored,
  taskIdOf,
  testFleet,
} from '../support/hosts/fleet.ts';
import type { FleetWorld, FleetHost } from '../support/hosts/fleet.ts';

let fleet: FleetWorld;
beforeAll(async () => {
  fleet = await testFleet({ settings: monitored });
}, 60_000);
afterAll(() => fleet.close(), 60_000);
beforeEach(() => {
  Object.assign(fleet.zabbix, { failure: null, begun: [] });
  fleet.cloud.delay = null;
});

const known = ({ name }: FleetHost) =>
  fleet.zabbix.hosts.set(name, { groups: ['all'], templates: ['Linux'], enabled: true, addresses: [], problems: [] });
const opts = (host: FleetHost, body: object) => fleet.admin.post(`/hosts/${host.id}/actions/change-zabbix-opts/`, body);
const goTo = (host: FleetHost, status: string) =>
  fleet.admin.post(`/hosts/${host.id}/actions/change-status/`, { status });

describe('maintenance', () => {
  test('covers a stop from before its first call to its end, and is released', async () => {
    const hosts = await machines(fleet, 2, { minion: false });
    hosts.forEach(known);
    let during = 0;
    fleet.cloud.delay = async (method) => {
      if (method === 'power') during = fleet.zabbix.maintenance.size;
    };
    const id = taskIdOf(await fleet.admin.post('/hosts/stop-tasks/', entriesOf(hosts, { force: true })));
    await endedHostTask(fleet, id);
    expect(during).toBe(1);
    expect(fleet.zabbix.begun[0]?.hosts.toSorted()).toEqual(hosts.map(({ name }) => name).sort());
    await eventually(() => fleet.zabbix.maintenance.size === 0, { timeout: 10_000 });
  }, 60_000);

  test('that cannot be set is a warning, in both languages, and no failure', async () => {
    const host = await aMachine(fleet, { minion: false });
    fleet.zabbix.failure = () => unavailable('zabbix', 'Zabbix does not answer');
    const id = taskIdOf(await fleet.admin.post(`/hosts/${host.id}/actions/stop/`, { force: true }));
    const task = await endedHostTask(fleet, id);
    expect(task.results).toMatchObject([
      { status: 'finished', error_code: null, message: 'no Zabbix maintenance: Zabbix does not answer' },
    ]);
    const zh = await fleet.admin.get<typeof task>(`/hosts/tasks/${id}/`, { 'accept-language': 'zh' });
    expect(zh.body.results[0]?.message).toBe('未能设置 zabbix 维护: Zabbix does not answer');
  }, 60_000);
});

describe('Zabbix options', () => {
  test('are confirmed before the answer, and kept; a list that is left out stays', async () => {
    const host = await aMachine(fleet);
    expect((await opts(host, { zabbix_groups: ['web'], zabbix_templates: ['Nginx'] })).body).toEqual({
      message: 'success',
    });
    expect((await opts(host, { zabbix_templates: [] })).status).toBe(200);
    expect(await hostRow(fleet, host)).toMatchObject({ zabbixGroups: ['web'], zabbixTemplates: [], busyTaskId: null });
    expect(fleet.zabbix.hosts.get(host.name)).toMatchObject({ groups: ['web'], templates: [] });
  }, 60_000);

  test('a name that does not exist has its code, and changes nothing', async () => {
    const host = await aMachine(fleet);
    await opts(host, { zabbix_groups: ['web'] });
    const noTemplate = await opts(host, { zabbix_templates: ['none'] });
    expect([...refusal(noTemplate), noTemplate.body['message']]).toEqual([
      500,
      30002,
      'template "none" does not exist',
    ]);
    expect(refusal(await opts(host, { zabbix_groups: ['none'] }))).toEqual([500, 30003]);
    expect(await hostRow(fleet, host)).toMatchObject({ zabbixGroups: ['web'], busyTaskId: null });
    const { body } = await fleet.admin.get<{ results: { kind: string; status: string }[] }>(
      `/hosts/tasks/?host=${host.id}&kind=change_zabbix_opts`,
    );
    expect(body.results.map(({ status }) => status)).toEqual(['failed', 'failed', 'finished']);
  }, 60_000);

  test.each([
    [{}, ''],
    [{ zabbix_groups: [] }, 'zabbix_groups'],
    [{ zabbix_groups: ['a', 'a'] }, 'zabbix_groups.1'],
    [{ zabbix_templates: ['x'.repeat(129)] }, 'zabbix_templates.0'],
    [{ zabbix_groups: ['a'], groups: ['a'] }, 'groups'],
  ])('%j is refused', async (body, field) => {
    const host = await aMachine(fleet);
    expect(refusal(await opts(host, body))).toEqual([400, 10001, field]);
  });
});

describe('the status of a host', () => {
  const reached = async (host: FleetHost, status: string) => {
    const task = await endedHostTask(fleet, taskIdOf(await goTo(host, status)));
    return { task, row: await hostRow(fleet, host) };
  };

  test('raw becomes inited by initialisation, which brings it into monitoring', async () => {
    const host = await aMachine(fleet, { status: 'raw' });
    const { task, row } = await reached(host, 'inited');
    expect(task).toMatchObject({ kind: 'change_status', status: 'finished' });
    expect(row).toMatchObject({ status: 'inited', osStatus: 'running', zabbixGroups: ['Discovered hosts'] });
  }, 60_000);

  test('offline takes it out of monitoring, raw brings it back to the beginning', async () => {
    const host = await aMachine(fleet);
    known(host);
    expect((await reached(host, 'offline')).row.status).toBe('offline');
    expect(fleet.zabbix.hosts.get(host.name)?.enabled).toBe(false);
    expect((await reached(host, 'raw')).row.status).toBe('raw');
  }, 60_000);

  test('stays when Zabbix refuses, with 30007', async () => {
    const host = await aMachine(fleet);
    fleet.zabbix.failure = () => refused('zabbix', 'no permission');
    const { task, row } = await reached(host, 'offline');
    expect(task.results).toMatchObject([{ status: 'failed', error_code: 30007 }]);
    expect(row).toMatchObject({ status: 'inited', busyTaskId: null });
  }, 60_000);

  test('what the table does not have is refused', async () => {
    const [inited, raw] = [await aMachine(fleet), await aMachine(fleet, { status: 'raw' })];
    for (const [host, status] of [
      [inited, 'inited'],
      [raw, 'attached'],
      [raw, 'raw'],
      [inited, 'attached'],
    ] as const)
      expect(refusal(await goTo(host, status))).toEqual([409, 10005]);
    expect(refusal(await goTo(raw, 'gone'))).toEqual([400, 10001, 'status']);
  });
});

test('a host that is deleted leaves monitoring, even when that is away at first', async () => {
  const host = await aMachine(fleet);
  known(host);
  let away = 2;
  fleet.zabbix.failure = (method) =>
    method === 'disableHost' && away-- > 0 ? unavailable('zabbix', 'away') : undefined;
  expect((await fleet.admin.delete(`/hosts/${host.id}/`)).status).toBe(200);
  await eventually(() => fleet.zabbix.hosts.get(host.name)?.enabled === false, { timeout: 30_000 });
}, 60_000);
