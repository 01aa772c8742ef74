import { settleHost, settleHostTask } from '../../db/hosts/finish.ts';
import { Problem, toWire } from '../../workflows/problems/problem.ts';
import { testApp, type TestApp, type TestUser } from '../support/api/app.ts';
import { aHost, created, recordsOf, refusal, type Host, type Page } from '../support/api/inventory.ts';
import { unique } from '../support/harness.ts';

let t: TestApp;
let admin: TestUser;
beforeAll(async () => {
  t = await testApp();
  admin = await t.user({ admin: true });
});
afterAll(() => t.close());

interface Task {
  id: number;
  task_id: string;
  status: string;
  [field: string]: unknown;
}

const init = (by: TestUser, hosts: unknown, opts: unknown = {}) => by.post<Task>('/hosts/init-tasks/', { hosts, opts });
const entries = (...hosts: Host[]) => hosts.map(({ id }) => ({ id }));
const busyOf = async (host: Host) => (await admin.get<Host>(`/hosts/${host.id}/`)).body.busy;
const starts = async (taskId: number) => {
  const rows = await t.db.selectFrom('outbox').where('topic', '=', 'start_workflow').selectAll().execute();
  return rows.filter((row) => row.payload['workflowId'] === `host-task/${taskId}`);
};

describe('initialising hosts', () => {
  test('returns the running task, reserves the hosts, starts the workflow through the outbox, and records it', async () => {
    const [a, b] = [await aHost(t.db, admin, 'raw'), await aHost(t.db, admin, 'inited')];
    const { status, body } = await init(admin, entries(a, b));
    expect(status).toBe(201);
    expect(body).toMatchObject({
      task_id: String(body.id),
      kind: 'init',
      status: 'running',
      creator: admin.username,
      finished_time: null,
      hosts: [{ id: a.id, name: a.name }, { id: b.id }],
      opts: { zabbix_groups: [], zabbix_templates: [], shipped_packages: [], users_with_login_perm: [] },
      results: [{ host: a.id, status: 'waiting', error_code: null }, { host: b.id }],
      counts: { waiting: 2, running: 0, finished: 0, failed: 0, unknown: 0 },
      waiting_on: { kind: 'host', text: `${a.name}, ${b.name}` },
    });
    expect(await busyOf(a)).toEqual({ kind: 'init', task_id: body.task_id });
    expect(await starts(body.id)).toMatchObject([
      { payload: { workflow: 'hostTask', input: { taskId: body.id, hosts: [{ position: 0, hostId: a.id }, {}] } } },
    ]);
    expect((await recordsOf(t.db, 'host', a.id)).at(-1)).toMatchObject({ view: 'host', opType: 'update' });
  });

  test('reports done once its hosts are done, with the number of failures', async () => {
    const [a, b] = [await aHost(t.db, admin, 'raw'), await aHost(t.db, admin, 'raw')];
    const { body: task } = await init(admin, entries(a, b));
    const problem = toWire(new Problem('salt_failed', { reason: 'no answer' }));
    const end = { problem: null, warning: null, left: { status: 'inited' } } as const;
    const of = { taskId: task.id, kind: 'init' } as const;
    await settleHost(t.db, { ...of, position: 0, host: a }, { ...end, status: 'finished' });
    await settleHost(t.db, { ...of, position: 1, host: b }, { ...end, status: 'failed', problem, left: {} });
    await settleHostTask(t.db, task.id, null);
    const { body } = await admin.get<Task>(`/hosts/init-tasks/${task.id}/`);
    expect(body).toMatchObject({
      status: 'failed',
      waiting_on: null,
      counts: { finished: 1, failed: 1, waiting: 0 },
      results: [
        { status: 'finished' },
        { status: 'failed', error_code: 30004, message: 'the call to SaltStack failed: no answer' },
      ],
    });
    expect(body['finished_time']).not.toBeNull();
    expect((await admin.get<Host>(`/hosts/${a.id}/`)).body).toMatchObject({ status: 'inited', busy: null });
    expect((await admin.get<Host>(`/hosts/${b.id}/`)).body).toMatchObject({ status: 'raw', busy: null });
  });

  test('each host has one task at a time: of two concurrent requests, one is refused naming the other', async () => {
    const host = await aHost(t.db, admin, 'raw');
    const both = await Promise.all([init(admin, entries(host)), init(admin, entries(host))]);
    const [winner, loser] = both[0].status === 201 ? both : [both[1], both[0]];
    expect([winner.status, refusal(loser)]).toEqual([201, [409, 10005, 'hosts.0.id']]);
    expect(loser.body['message']).toBe(`host ${host.name} is busy with task ${winner.body.task_id}`);
  });

  test('refuses the whole batch before any work, naming each host by its index', async () => {
    const good = await aHost(t.db, admin, 'raw');
    const attempts: [Host[], unknown[]][] = [
      [
        [good, await aHost(t.db, admin, 'attached')],
        [409, 10005, 'hosts.1.id'],
      ],
      [
        [await aHost(t.db, admin, 'offline'), good],
        [409, 10005, 'hosts.0.id'],
      ],
      [
        [good, await created<Host>(admin, '/hosts/', { name: `s-${unique()}`, host_type: 'PHY_HOST' })],
        [500, 30004, 'hosts.1.id'],
      ],
      [
        [good, { ...good, id: 123_456_789 }],
        [404, 10004, 'hosts.1.id'],
      ],
      [
        [good, good],
        [400, 10001, 'hosts.1.id'],
      ],
      [[], [400, 10001, 'hosts']],
    ];
    for (const [hosts, expected] of attempts) expect(refusal(await init(admin, entries(...hosts)))).toEqual(expected);
    expect(await busyOf(good)).toBeNull();
  });

  test('opts is required; missing configuration is named, unknown objects are 404', async () => {
    const hosts = entries(await aHost(t.db, admin, 'raw'));
    expect(refusal(await admin.post('/hosts/init-tasks/', { hosts }))).toEqual([400, 10001, 'opts']);
    const zabbix = await init(admin, hosts, { zabbix_temlates: ['Linux'] });
    expect([...refusal(zabbix), zabbix.body['message']]).toEqual([
      500,
      30001,
      'the call to the Zabbix API failed: SLIPWAY_ZABBIX_URL is not set',
    ]);
    const packages = await init(admin, hosts, { shipped_packages: [{ id: 5 }] });
    expect(refusal(packages)).toEqual([404, 10004, 'opts.shipped_packages.0.id']);
    expect(refusal(await init(admin, hosts, { zabbix_groups: ['a', 'a'] }))).toEqual([
      400,
      10001,
      'opts.zabbix_groups.1',
    ]);
    expect(refusal(await init(admin, hosts, { surprise: 1 }))).toEqual([400, 10001, 'opts.surprise']);
  });

  test('only callers who may grant login_host admit users, and only enabled ones', async () => {
    const host = await aHost(t.db, admin, 'raw');
    const [guest, gone] = [await t.user({}), await t.user({})];
    await t.db.updateTable('users').set({ status: 'disabled' }).where('id', '=', gone.id).execute();
    const letIn = (by: TestUser, ...ids: number[]) =>
      init(by, entries(host), { users_with_login_perm: ids.map((id) => ({ id })) });
    for (const held of [['init_host'], ['init_host', 'edit_host'], ['init_host', 'login_host']]) {
      const user = await t.user({ host: { [host.id]: ['view_host', ...held] } });
      expect(refusal(await letIn(user, guest.id))).toEqual([403, 10003, 'hosts.0.id']);
    }
    for (const unfit of [gone.id, 987_654_321])
      expect(refusal(await letIn(admin, guest.id, unfit))).toEqual([400, 10001, 'opts.users_with_login_perm.1.id']);
    expect(refusal(await letIn(admin, guest.id, guest.id))).toEqual([400, 10001, 'opts.users_with_login_perm.1.id']);
    expect(await busyOf(host)).toBeNull();
    const owner = await t.user({ host: { [host.id]: ['view_host', 'init_host', 'edit_host', 'login_host'] } });
    expect((await letIn(owner, guest.id)).status).toBe(201);
  });

  test('needs init_host on each host', async () => {
    const [seen, hidden] = [await aHost(t.db, admin, 'raw'), await aHost(t.db, admin, 'raw')];
    const user = await t.user({ host: { [seen.id]: ['view_host'] } });
    expect(refusal(await init(user, entries(seen)))).toEqual([403, 10003, 'hosts.0.id']);
    expect(refusal(await init(user, entries(hidden)))).toEqual([404, 10004, 'hosts.0.id']);
    const manager = await t.user({ system: ['manage_host'] });
    expect((await init(manager, entries(seen))).status).toBe(201);
  });
});

describe('seeing host tasks', () => {
  test("needs view_host on one of the task's hosts; the other hosts are omitted", async () => {
    const [seen, hidden] = [await aHost(t.db, admin, 'raw'), await aHost(t.db, admin, 'raw')];
    const { body: task } = await init(admin, entries(hidden, seen));
    const user = await t.user({ host: { [seen.id]: ['view_host'] } });
    const { body } = await user.get<Task>(`/hosts/tasks/${task.id}/`);
    expect(body).toMatchObject({ hosts: [{ id: seen.id }], counts: { waiting: 1 }, results: [{ host: seen.id }] });
    expect(JSON.stringify(body)).not.toContain(hidden.name);
    const count = async (by: TestUser, query: string) => (await by.get<Page>(`/hosts/tasks/?${query}`)).body.count;
    expect(await count(user, '')).toBe(1);
    expect(await count(user, `hostname=${hidden.name}`)).toBe(0);
    expect(await count(user, `host=${hidden.id}`)).toBe(0);
    expect(await count(user, `host=${seen.id}&kind=init&status=running&creator=${admin.username}`)).toBe(1);
    const stranger = await t.user();
    expect(await count(stranger, '')).toBe(0);
    expect(refusal(await stranger.get(`/hosts/tasks/${task.id}/`))).toEqual([404, 10004]);
  });

  test('lists newest first; times are strict; a task of another kind is 404', async () => {
    const [a, b] = [await aHost(t.db, admin, 'raw'), await aHost(t.db, admin, 'raw')];
    const older = (await init(admin, entries(a))).body;
    const newer = (await init(admin, entries(b))).body;
    const list = await admin.get<Page>('/hosts/init-tasks/?page_size=2');
    expect(list.body.results.map((task) => task.id)).toEqual([newer.id, older.id]);
    const after = encodeURIComponent(String(newer['created_time']));
    const later = await admin.get<Page>(`/hosts/init-tasks/?time__gt=${after}`);
    expect(later.body.results.map((task) => task.id)).not.toContain(newer.id);
    await t.db.updateTable('tasks').set({ kind: 'restart' }).where('id', '=', older.id).execute();
    expect((await admin.get(`/hosts/init-tasks/${older.id}/`)).status).toBe(404);
    expect((await admin.get(`/hosts/tasks/${older.id}/`)).status).toBe(200);
  });
});
