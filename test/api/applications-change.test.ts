import { unique } from '../support/harness.ts';
import { testApp, type TestApp, type TestUser } from '../support/api/app.ts';
import { created, recordsOf, refusal, type Page as PageOf, type RefusalBody } from '../support/api/inventory.ts';

let t: TestApp;
let creator: TestUser;
let admin: TestUser;
beforeAll(async () => {
  t = await testApp();
  creator = await t.user({ system: ['create_app'] });
  admin = await t.user({ admin: true });
});
afterAll(() => t.close());

interface App {
  id: number;
  name: string;
  full_name: string;
  parent_app: number | null;
  [field: string]: unknown;
}
type Page = PageOf<App>;

const make = (by: TestUser, fields: object = {}) =>
  created<App>(by, '/applications/', { name: `app-${unique()}`, ...fields });
const records = (id: number) => recordsOf(t.db, 'application', id);

describe('changing an application', () => {
  test('records before and after; a change without effect leaves no record', async () => {
    const app = await make(creator);
    const before = (await records(app.id)).length;
    await creator.patch(`/applications/${app.id}/`, { directory: '/srv/shop', run_user: 'shop' });
    const [record, ...more] = (await records(app.id)).slice(before);
    expect(more).toEqual([]);
    expect(record).toMatchObject({
      view: 'app',
      opType: 'update',
      targetName: app.full_name,
      operator: creator.username,
      changes: { directory: ['', '/srv/shop'], run_user: ['work', 'shop'] },
    });
    await creator.patch(`/applications/${app.id}/`, { directory: '/srv/shop' });
    expect(await records(app.id)).toHaveLength(before + 1);
  });

  test('a viewer is refused a change, and to all others the application does not exist', async () => {
    const app = await make(creator);
    const viewer = await t.user({ application: { [app.id]: ['view_app_log'] } });
    const stranger = await t.user();
    expect((await viewer.get(`/applications/${app.id}/`)).status).toBe(200);
    expect(refusal(await viewer.patch(`/applications/${app.id}/`, { name: 5 }))).toEqual([403, 10003]);
    expect(refusal(await stranger.patch(`/applications/${app.id}/`, { name: 'x' }))).toEqual([404, 10004]);
    expect(refusal(await stranger.get(`/applications/${app.id}/`))).toEqual([404, 10004]);
    expect(refusal(await creator.patch(`/applications/${app.id}/`, {}))).toEqual([400, 10001, '']);
    expect((await creator.get('/applications/99999999999999999999/')).status).toBe(404);
  });

  test('response persons: a bare id gets dev and keeps what it has; disabled ones are refused', async () => {
    const app = await make(creator, { response_person: [creator.id, { id: creator.id, type: 'ops' }] });
    const rows = () =>
      t.db.selectFrom('responsePersons').where('applicationId', '=', app.id).select('type').orderBy('type').execute();
    expect((await rows()).map((row) => row.type)).toEqual(['dev', 'ops']);
    await creator.patch(`/applications/${app.id}/`, { response_person: [creator.id] });
    expect((await rows()).map((row) => row.type)).toEqual(['dev', 'ops']);
    const off = await t.user();
    await t.db.updateTable('users').set({ status: 'disabled' }).where('id', '=', off.id).execute();
    const add = (...ids: unknown[]) => creator.patch(`/applications/${app.id}/`, { response_person: ids });
    expect(refusal(await add(creator.id, off.id))).toEqual([400, 10001, 'response_person.1']);
    expect(refusal(await add(123_456_789))).toEqual([404, 10004, 'response_person.0']);
    expect(refusal(await add(creator.id, creator.id))).toEqual([400, 10001, 'response_person.1']);
  });

  test('requirements: no cycle, not itself', async () => {
    const [a, b, c] = [await make(creator), await make(creator), await make(creator)];
    const require = (from: App, ...to: App[]) =>
      creator.patch<RefusalBody>(`/applications/${from.id}/`, { required_apps: to.map((one) => one.id) });
    expect((await require(a, b)).status).toBe(200);
    expect((await require(b, c)).status).toBe(200);
    const cycle = await require(c, a);
    expect(cycle.body.message).toContain(`${c.name} → ${a.name} → ${b.name} → ${c.name}`);
    expect(refusal(await require(a, a))).toEqual([409, 10005]);
  });
});

describe('listing applications', () => {
  const names = async (by: TestUser, query: string) =>
    (await by.get<Page>(`/applications/?page_size=1000&${query}`)).body.results.map((one) => one.name);

  test('shows what the caller may view and reveals no other application, not even in the count', async () => {
    const app = await make(admin);
    const user = await t.user({ application: { [app.id]: ['restart_app'] } });
    const { body } = await user.get<Page>('/applications/');
    expect(body).toMatchObject({ count: 1, prev: null, next: null, results: [{ id: app.id }] });
    expect(body.results[0]?.['available_actions']).toMatchObject({
      view_app: true,
      restart_app: true,
      edit_app: false,
    });
  });

  test('all filters have to hold; wildcards are text', async () => {
    const a = await make(creator, { application_type: 'java' });
    const b = await make(creator, { parent_app: a.id, response_person: [creator.id] });
    expect(await names(creator, `name=${a.name.toUpperCase()}`)).toEqual([a.name]);
    expect(await names(creator, `full_path=${a.name}.${b.name}`)).toEqual([b.name]);
    expect(await names(creator, `full_name=${a.name}&has_parent=0`)).toEqual([a.name]);
    expect(await names(creator, `full_name=${a.name}&has_parent=1`)).toEqual([b.name]);
    expect(await names(creator, `parent_app=${a.id}`)).toEqual([b.name]);
    expect(
      await names(creator, `full_name=${a.name}&response_persons=${creator.id}&response_persons=${admin.id}`),
    ).toEqual([b.name]);
    expect(await names(creator, `name=${a.name}&application_type=av`)).toEqual([a.name]);
    expect(await names(creator, 'name=%25')).toEqual([]);
    expect(await names(admin, 'user=nobody-there')).toEqual([]);
    expect(await names(admin, 'role=nothing')).toEqual([]);
  });

  test('user and role mean grants on the application itself, not those that cover everything', async () => {
    const app = await make(admin);
    const other = await t.user({ system: ['view_app'], application: { [app.id]: ['deploy_app'] } });
    expect(await names(admin, `user=${other.username}`)).toEqual([app.name]);
    const role = await t.db
      .insertInto('roles')
      .values({ name: `role-${unique()}`, creator: 'test' })
      .returning(['id', 'name'])
      .executeTakeFirstOrThrow();
    const grant = { userId: null, roleId: role.id, scope: 'application' as const, objectId: app.id };
    await t.db
      .insertInto('grants')
      .values({ ...grant, permission: 'view_app' })
      .execute();
    expect(await names(admin, `role=${role.name}`)).toEqual([app.name]);
  });

  test.each([
    'has_parent=2',
    'production=x',
    'response_persons=a',
    'page=0',
    'page_size=1001',
    'nonsense=1',
    'name=%00',
    '__proto__=1&__proto__=1',
    'constructor=1',
  ])('refuses %s', async (query) => {
    expect((await creator.get(`/applications/?${query}`)).status).toBe(400);
  });

  test('filters by users: always by oneself, by others with view_user, limited to what the caller may view', async () => {
    const app = await make(creator);
    const asked = (by: TestUser, ...ids: unknown[]) =>
      by.post<{ user_id: number; applications: App[] }[]>(
        '/applications/get-by-users/',
        ids.map((id) => ({ id, username: 'ignored' })),
      );
    const own = await asked(creator, creator.id);
    expect(own.body[0]?.applications.map((one) => one.id)).toContain(app.id);
    expect(refusal(await asked(creator, admin.id))).toEqual([403, 10003]);
    const clerk = await t.user({ system: ['view_user'] });
    expect((await asked(clerk, creator.id)).body).toEqual([{ user_id: creator.id, applications: [] }]);
    expect(refusal(await asked(clerk, creator.id, 123_456_789))).toEqual([404, 10004, '1.id']);
    expect(refusal(await asked(clerk, creator.id, creator.id))).toEqual([400, 10001, '1.id']);
  });
});

describe('deleting an application', () => {
  test('it is gone, its name is free, its row and record stay', async () => {
    const app = await make(creator);
    expect((await creator.delete(`/applications/${app.id}/`)).body).toEqual({ message: 'success' });
    expect((await creator.get(`/applications/${app.id}/`)).status).toBe(404);
    expect((await records(app.id)).at(-1)).toMatchObject({ opType: 'delete', targetName: app.full_name });
    await make(creator, { name: app.name });
  });

  test('is refused while something depends on it; dependents hidden from the caller are counted, not named', async () => {
    const app = await make(creator);
    const child = await make(admin, { parent_app: app.id });
    const answer = await creator.delete<RefusalBody>(`/applications/${app.id}/`);
    expect(refusal(answer)).toEqual([409, 10005]);
    expect(answer.body.message).toBe('the application still has 1 child');
    const seen = await admin.delete<RefusalBody>(`/applications/${app.id}/`, undefined, { 'accept-language': 'zh' });
    expect(seen.body.message).toBe(`应用仍有 1 个子应用: ${child.full_name}`);
    const needs = await make(admin, { required_apps: [child.id] });
    const held = await admin.delete<RefusalBody>(`/applications/${child.id}/`);
    expect(held.body.message).toContain(needs.full_name);
  });

  test('asks for delete_app', async () => {
    const app = await make(creator);
    const editor = await t.user({ application: { [app.id]: ['edit_app'] } });
    expect(refusal(await editor.delete(`/applications/${app.id}/`))).toEqual([403, 10003]);
  });
});
