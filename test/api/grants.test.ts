import { unique } from '../support/harness.ts';
import { makeApplication, makeHost, testApp, type TestApp, type TestUser } from '../support/api/app.ts';

let t: TestApp;
let admin: TestUser;
let app: number;
let host: number;
beforeAll(async () => {
  t = await testApp();
  admin = await t.user({ admin: true });
  app = await makeApplication(t.db, `shop-${unique()}`);
  host = await makeHost(t.db);
});
afterAll(() => t.close());

const grant = (permission: Record<string, unknown>, id: unknown = app) => ({ authorizations: [{ id, permission }] });
const grantsOf = async (user: TestUser) => {
  const rows = await t.db
    .selectFrom('grants')
    .where('userId', '=', user.id)
    .select('permission')
    .orderBy('id')
    .execute();
  return rows.map((row) => row.permission);
};

describe('grants on objects', () => {
  test('true grants, false revokes, omitted permissions stay; the answers list every permission', async () => {
    const user = await t.user();
    const path = `/users/${user.id}/application/perms/`;
    expect(await admin.post(path, grant({ view_app: true, deploy_app: true }))).toMatchObject({
      status: 200,
      body: { message: 'success' },
    });
    await admin.post(path, { authorizations: [{ id: String(app), permissions: { deploy_app: false } }] });
    const answer = await user.get<{ count: number; results: { id: number; permission: object }[] }>(path);
    expect(answer.body.count).toBe(1);
    expect(answer.body.results[0]).toMatchObject({ id: app, permission: { view_app: true, deploy_app: false } });
    expect(Object.keys(answer.body.results[0]?.permission ?? {})).toHaveLength(8);
  });

  test('an unknown permission is 30001, one that the granter lacks 30002; both are audited without effect', async () => {
    const editor = await t.user({ application: { [app]: ['edit_app'] } });
    const user = await t.user();
    const path = `/users/${user.id}/application/perms/`;
    expect(await editor.post(path, grant({ edit_app: true, fly: true }))).toMatchObject({
      status: 400,
      body: { error_code: 30001, message: 'undefined permission fly' },
    });
    expect(await editor.post(path, grant({ edit_app: true, deploy_app: true }))).toMatchObject({
      status: 400,
      body: { error_code: 30002, message: 'no right to grant deploy_app' },
    });
    expect(await grantsOf(user)).toEqual([]);
    const refused = await t.db
      .selectFrom('auditRecords')
      .where('operator', '=', editor.username)
      .where('outcome', '=', 'refused')
      .selectAll()
      .execute();
    expect(refused).toHaveLength(2);
    expect((await editor.post(path, grant({ edit_app: true, view_app: true }))).status).toBe(200);
    expect(await grantsOf(user)).toEqual(['edit_app', 'view_app']);
  });

  test('an object that the granter may not view is 404, one they may not edit is refused, before all else', async () => {
    const viewer = await t.user({ application: { [app]: ['view_app'] } });
    const path = `/users/${viewer.id}/application/perms/`;
    expect((await viewer.post(path, grant({ view_app: 'yes' }))).status).toBe(403);
    const hidden = await makeApplication(t.db);
    expect((await viewer.post(path, grant({ view_app: true }, hidden))).status).toBe(404);
  });

  test('a name in the request must match the object', async () => {
    const user = await t.user();
    const { fullName } = await t.db
      .selectFrom('applications')
      .where('id', '=', app)
      .select('fullName')
      .executeTakeFirstOrThrow();
    const send = (app_name: string) =>
      admin.post(`/users/${user.id}/application/perms/`, {
        authorizations: [{ id: app, app_name, permission: { view_app: true } }],
      });
    expect((await send('other')).body).toMatchObject({ details: [{ field: 'authorizations.0.app_name' }] });
    expect((await send(fullName)).status).toBe(200);
  });

  test('a list shows only objects that the caller may view; effective includes roles and system permissions', async () => {
    const other = await makeApplication(t.db);
    const user = await t.user({ application: { [app]: ['view_app'], [other]: ['view_app'] }, system: ['edit_app'] });
    const reader = await t.user({ application: { [app]: ['view_app'] }, system: ['view_user'] });
    type List = { count: number; results: { id: number; permission: Record<string, boolean> }[] };
    const path = `/users/${user.id}/application/perms/`;
    expect((await reader.get<List>(path)).body.results.map((one) => one.id)).toEqual([app]);
    const effective = await reader.get<List>(`${path}?effective=true`);
    expect(effective.body.results).toMatchObject([{ id: app, permission: { edit_app: true, delete_app: false } }]);
    expect((await t.user().then((stranger) => stranger.get(path))).status).toBe(403);
  });

  test('hosts behave likewise, with their own permission names', async () => {
    const role = Number((await admin.post('/roles/', { name: unique() })).body['id']);
    const path = `/roles/${role}/host/perms/`;
    expect((await admin.post(path, grant({ login_host: true }, host))).status).toBe(200);
    const answer = await admin.get<{ results: object[] }>(path);
    expect(answer.body.results).toMatchObject([
      { id: host, hostname: expect.any(String), permission: { login_host: true, view_host: false } },
    ]);
  });

  test('each grant is one record of the resources view', async () => {
    const user = await t.user();
    const path = `/users/${user.id}/application/perms/`;
    await admin.post(path, grant({ view_app: true, edit_app: true }));
    await admin.post(path, grant({ view_app: true }));
    const records = await t.db
      .selectFrom('auditRecords')
      .where('authorizedTargetName', '=', user.username)
      .select(['view', 'permName', 'action', 'targetId', 'authorizedTargetType'])
      .orderBy('id')
      .execute();
    const common = { view: 'resources', action: 'enable', targetId: app, authorizedTargetType: 'user' };
    expect(records).toEqual([
      { ...common, permName: 'view_app' },
      { ...common, permName: 'edit_app' },
    ]);
  });
});

describe('grants seen from the object', () => {
  test('update changes, delete revokes everything, and the list shows the remaining grantees', async () => {
    const [one, two] = [await t.user(), await t.user()];
    const own = await makeApplication(t.db);
    const path = `/application/${own}/authorization/users/`;
    const both = [one, two].map((user) => ({
      user: { id: user.id },
      permission: { view_app: true, restart_app: true },
    }));
    expect((await admin.patch(path, both)).body).toEqual({ message: 'success' });
    expect((await admin.patch(path, [{ user: { id: one.id }, action: 'delete' }])).status).toBe(200);
    expect((await admin.get(path)).body).toMatchObject({
      count: 1,
      results: [{ user: { id: two.id, username: two.username }, permission: { restart_app: true, edit_app: false } }],
    });
  });

  test('revoking follows the rule of granting', async () => {
    const editor = await t.user({ host: { [host]: ['edit_host'] } });
    const user = await t.user({ host: { [host]: ['login_host'] } });
    const answer = await editor.patch(`/hosts/${host}/authorization/users/`, [
      { user: { id: user.id }, action: 'delete' },
    ]);
    expect(answer).toMatchObject({ status: 400, body: { error_code: 30002 } });
    expect(await grantsOf(user)).toEqual(['login_host']);
  });

  test('an update without permissions is refused by its index', async () => {
    const user = await t.user();
    const answer = await admin.patch(`/hosts/${host}/authorization/users/`, [{ user: { id: user.id } }]);
    expect(answer).toMatchObject({ status: 400, body: { details: [{ field: '0.permission' }] } });
  });
});

describe('grants on modules', () => {
  test('documented aliases of modules and permissions are stored canonically', async () => {
    const user = await t.user();
    const path = `/users/${user.id}/system/perms/`;
    const given = { enable_app_mgmt: true, add_app: true, delte_app: true, manage_app: true };
    expect((await admin.post(path, { module_name: 'application', permission: given })).status).toBe(200);
    const answer = await user.get<{ results: { module_name: string; permissions: object }[] }>(path);
    expect(answer.body.results.find((one) => one.module_name === 'app_mgmt')?.permissions).toEqual({
      enable_app_mgmt: true,
      create_app: true,
      delete_app: true,
      edit_app: true,
      view_app: false,
      override_freeze: false,
    });
    expect((await user.get(`${path}?module_name=dns`)).body).toMatchObject({ count: 1 });
  });

  test('an unknown module and a permission of another module are 30001', async () => {
    const post = (module_name: string, permissions: object) =>
      admin.post(`/users/${admin.id}/system/perms/`, [{ module_name, permissions }]);
    expect((await post('nothing', {})).body).toMatchObject({ error_code: 30001 });
    expect((await post('dns_mgmt', { restart_app: true })).body).toMatchObject({
      error_code: 30001,
      message: 'undefined permission restart_app',
    });
    expect((await post('deploy_template_mgmt', { enable_cdn_refresher: true })).status).toBe(200);
  });

  test('a permission without its module enabled has no effect, and the refusal names the switch', async () => {
    const user = await t.user();
    await t.db
      .insertInto('grants')
      .values({ userId: user.id, roleId: null, scope: 'system', permission: 'view_user' })
      .execute();
    const answer = await user.get(`/users/${admin.id}/`);
    expect(answer).toMatchObject({ status: 403, body: { message: 'not allowed: enable_user_mgmt' } });
  });

  test('switches and permissions are granted only by their holders', async () => {
    const manager = await t.user({ system: ['manage_user'] });
    const post = (permissions: object) =>
      manager.post(`/users/${manager.id}/system/perms/`, { module_name: 'audit', permissions });
    expect(await post({ enable_audit: true })).toMatchObject({ status: 400, body: { error_code: 30002 } });
  });
});
