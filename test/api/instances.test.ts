import { testApp, type TestApp, type TestUser } from '../support/api/app.ts';
import { aHost, anApplication, recordsOf, refusal, type Host, type Page } from '../support/api/inventory.ts';

let t: TestApp;
let admin: TestUser;
beforeAll(async () => {
  t = await testApp();
  admin = await t.user({ admin: true });
});
afterAll(() => t.close());

interface Instance {
  id: number;
  hostid: number;
  hostname: string;
  [field: string]: unknown;
}

const pathOf = (application: number): string => `/applications/${application}/instances/`;
const statusOf = async (id: number): Promise<string> => (await admin.get<Host>(`/hosts/${id}/`)).body.status;

async function anInstance(): Promise<{ app: number; host: Host; instance: Instance }> {
  const [app, host] = [await anApplication(admin), await aHost(t.db, admin)];
  const { body } = await admin.post<Instance[]>(pathOf(app), [{ hostid: host.id }]);
  const [instance] = body;
  if (!instance) throw new Error('no instance was made');
  return { app, host, instance };
}

describe('adding instances', () => {
  test('returns them in the order sent, attaches the hosts, and records both sides', async () => {
    const app = await anApplication(admin);
    const [a, b] = [await aHost(t.db, admin), await aHost(t.db, admin)];
    const { status, body } = await admin.post<Instance[]>(pathOf(app), [
      { hostid: b.id, hostname: b.name },
      { hostid: String(a.id) },
    ]);
    expect(status).toBe(201);
    expect(body).toMatchObject([
      { hostid: b.id, hostname: b.name, status: 'stopped', version: null, releases: [], busy: null },
      { hostid: a.id, hostname: a.name },
    ]);
    expect(await statusOf(a.id)).toBe('attached');
    expect((await recordsOf(t.db, 'application', app)).filter((one) => one.opType === 'attach_host')).toHaveLength(2);
    expect((await recordsOf(t.db, 'host', a.id)).at(-1)).toMatchObject({ view: 'host', opType: 'attach_app' });
    const list = await admin.get<Page>(`${pathOf(app)}?hostname=${a.name}&status=stopped`);
    expect(list.body).toMatchObject({ count: 1, results: [{ hostid: a.id }] });
    const one = await admin.get<Instance>(`${pathOf(app)}${body[0]?.id}/`);
    expect(one.body).toEqual(body[0]);
  });

  test('a raw or offline host, or one that already has an instance, refuses the whole call', async () => {
    const { app, host } = await anInstance();
    const good = await aHost(t.db, admin);
    for (const bad of [host, await aHost(t.db, admin, 'raw'), await aHost(t.db, admin, 'offline')]) {
      const answer = await admin.post(pathOf(app), [{ hostid: good.id }, { hostid: bad.id }]);
      expect(refusal(answer)).toEqual([409, 10005]);
    }
    expect(await statusOf(good.id)).toBe('inited');
    expect((await admin.get<Page>(pathOf(app))).body.count).toBe(1);
  });

  test('a wrong hostname, a duplicate id, an empty list and too many ids are 10001', async () => {
    const app = await anApplication(admin);
    const host = await aHost(t.db, admin);
    const add = (body: unknown) => admin.post(pathOf(app), body);
    expect(refusal(await add([{ hostid: host.id, hostname: 'other' }]))).toEqual([400, 10001, '0.hostname']);
    expect(refusal(await add([{ hostid: host.id }, { hostid: String(host.id) }]))).toEqual([400, 10001, '1.hostid']);
    expect(refusal(await add([]))).toEqual([400, 10001, '']);
    expect(refusal(await add({ hostid: host.id }))).toEqual([400, 10001, '']);
    expect(refusal(await add(Array.from({ length: 101 }, (_, n) => ({ hostid: n + 1 }))))).toEqual([400, 10001, '']);
    expect(refusal(await add([{ hostid: 1e9, status: 'running' }]))).toEqual([400, 10001, '0.status']);
    expect(refusal(await add([{ hostid: host.id }, { hostid: 1_000_000_000 }]))).toEqual([404, 10004, '1.hostid']);
  });

  test('needs edit_host on each host besides edit_app; a hidden host is 404', async () => {
    const app = await anApplication(admin);
    const [seen, hidden] = [await aHost(t.db, admin), await aHost(t.db, admin)];
    const user = await t.user({ application: { [app]: ['edit_app'] }, host: { [seen.id]: ['login_host'] } });
    expect(refusal(await user.post(pathOf(app), [{ hostid: seen.id }]))).toEqual([403, 10003, '0.hostid']);
    expect(refusal(await user.post(pathOf(app), [{ hostid: hidden.id }]))).toEqual([404, 10004, '0.hostid']);
    const viewer = await t.user({ application: { [app]: ['view_app'] }, host: { [seen.id]: ['edit_host'] } });
    expect(refusal(await viewer.post(pathOf(app), [{ hostid: seen.id }]))).toEqual([403, 10003]);
  });

  test('of two concurrent calls for one host, one succeeds', async () => {
    const [app, host] = [await anApplication(admin), await aHost(t.db, admin)];
    const both = await Promise.all([1, 2].map(() => admin.post(pathOf(app), [{ hostid: host.id }])));
    expect(both.map((one) => one.status).sort()).toEqual([201, 409]);
  });
});

describe('removing instances', () => {
  test('releases the host and records both sides', async () => {
    const { app, host, instance } = await anInstance();
    const removed = await admin.delete(pathOf(app), [{ id: instance.id }]);
    expect(removed.body).toEqual({ message: 'success' });
    expect(await statusOf(host.id)).toBe('inited');
    expect((await recordsOf(t.db, 'application', app)).at(-1)?.opType).toBe('detach_host');
    expect((await recordsOf(t.db, 'host', host.id)).at(-1)?.opType).toBe('detach_app');
    expect((await admin.get(`${pathOf(app)}${instance.id}/`)).status).toBe(404);
  });

  test('a host with other users stays attached', async () => {
    const { app, host, instance } = await anInstance();
    const other = await anApplication(admin);
    expect((await admin.post(pathOf(other), [{ hostid: host.id }])).status).toBe(201);
    await admin.delete(pathOf(app), [{ id: instance.id }]);
    expect(await statusOf(host.id)).toBe('attached');
  });

  test('is refused for an instance of another application, or one that is busy or not stopped', async () => {
    const { app, instance } = await anInstance();
    const { app: other } = await anInstance();
    const remove = (from: number) => admin.delete(pathOf(from), [{ id: instance.id }]);
    const set = (values: object) => t.db.updateTable('instances').set(values).where('id', '=', instance.id).execute();
    expect(refusal(await remove(other))).toEqual([404, 10004, '0.id']);
    await set({ status: 'running' });
    expect(refusal(await remove(app))).toEqual([409, 10005]);
    await set({ status: 'stopped', busyKind: 'upgrade', busyTaskId: 7 });
    const busy = await admin.get<Instance>(`${pathOf(app)}${instance.id}/`);
    expect(busy.body).toMatchObject({ busy: { kind: 'upgrade', task_id: '7' } });
    expect(refusal(await remove(app))).toEqual([409, 10005]);
  });

  test('an application with instances cannot be deleted', async () => {
    const { app, host } = await anInstance();
    const { status, body } = await admin.delete(`/applications/${app}/`);
    expect({ status, body }).toEqual({
      status: 409,
      body: { error_code: 10005, message: `the application still has 1 instance: ${host.name}` },
    });
  });
});
