import { unique } from '../support/harness.ts';
import { makeApplication, testApp, type TestApp, type TestUser } from '../support/api/app.ts';

let t: TestApp;
let admin: TestUser;
let manager: TestUser;
beforeAll(async () => {
  t = await testApp();
  admin = await t.user({ admin: true });
  manager = await t.user({ system: ['manage_role', 'view_user'] });
});
afterAll(() => t.close());

const makeRole = async (): Promise<number> => Number((await admin.post('/roles/', { name: unique() })).body['id']);

test('a role is created, listed, changed and deleted; its name is unique regardless of case', async () => {
  const name = `Role ${unique()}`;
  const made = await manager.post('/roles/', { name, description: 'd' });
  expect(made).toMatchObject({
    status: 201,
    body: { name, description: 'd', creator: manager.username, builtin: false, user_count: 0 },
  });
  expect((await manager.post('/roles/', { name: name.toUpperCase() })).status).toBe(409);
  const path = `/roles/${Number(made.body['id'])}/`;
  expect((await manager.patch(path, { description: 'e' })).body).toMatchObject({ name, description: 'e' });
  expect((await manager.get(`/roles/?name=${encodeURIComponent(name)}`)).body).toMatchObject({ count: 1 });
  expect((await manager.delete(path)).body).toEqual({ message: 'success' });
  expect((await manager.get(path)).status).toBe(404);
});

test('the admin role can be neither changed nor deleted nor granted to, and only its members hand it on', async () => {
  const { id } = await t.db.selectFrom('roles').where('name', '=', 'admin').select('id').executeTakeFirstOrThrow();
  for (const answer of [
    await admin.patch(`/roles/${id}/`, { name: 'x' }),
    await admin.delete(`/roles/${id}/`),
    await admin.post(`/roles/${id}/system/perms/`, { module_name: 'audit', permissions: { enable_audit: false } }),
  ])
    expect(answer).toMatchObject({ status: 409, body: { error_code: 10005 } });
  expect(await manager.post(`/users/${manager.id}/roles/`, [{ id }])).toMatchObject({
    status: 400,
    body: { error_code: 30002, message: 'no right to grant admin' },
  });
});

test('members hold what the role holds, until it is taken from them', async () => {
  const app = await makeApplication(t.db);
  const role = await makeRole();
  const user = await t.user();
  const entry = { id: app, permission: { edit_app: true } };
  await admin.post(`/roles/${role}/application/perms/`, { authorizations: [entry] });
  const reach = async () => (await user.get(`/applications/${app}/authorization/users/`)).status;
  expect(await reach()).toBe(404);
  expect((await admin.post(`/users/${user.id}/roles/`, [{ id: String(role) }])).body).toEqual({ message: 'success' });
  expect(await reach()).toBe(200);
  expect((await user.get(`/users/${user.id}/roles/`)).body).toMatchObject({ count: 1, results: [{ id: role }] });
  expect((await admin.delete(`/roles/${role}/users/`, [{ id: user.id }])).status).toBe(200);
  expect(await reach()).toBe(404);
});

test('a role is handed on only by users who hold everything it holds; available_actions reflect that', async () => {
  const role = await makeRole();
  const grant = { module_name: 'audit', permissions: { enable_audit: true } };
  await admin.post(`/roles/${role}/system/perms/`, grant);
  expect(await manager.post(`/roles/${role}/users/`, [{ id: manager.id }])).toMatchObject({
    status: 400,
    body: { error_code: 30002, message: 'no right to grant enable_audit' },
  });
  expect((await manager.delete(`/roles/${role}/`)).status).toBe(400);
  expect((await manager.get(`/roles/${role}/`)).body).toMatchObject({
    available_actions: { edit: true, delete: false, assign: false },
  });
});

test('an unknown id has no effect, nor has a duplicate id', async () => {
  const role = await makeRole();
  const user = await t.user();
  const unknown = await admin.post(`/roles/${role}/users/`, [{ id: user.id }, { id: 999_999 }]);
  expect(unknown).toMatchObject({ status: 404, body: { error_code: 10004, message: 'no such user: 999999' } });
  expect((await admin.post(`/roles/${role}/users/`, [{ id: user.id }, { id: user.id }])).status).toBe(400);
  expect((await manager.get(`/roles/${role}/users/`)).body).toMatchObject({ count: 0 });
});

test('a deleted role leaves a record for each grant that went with it', async () => {
  const app = await makeApplication(t.db);
  const role = await makeRole();
  const user = await t.user();
  await admin.post(`/roles/${role}/application/perms/`, {
    authorizations: [{ id: app, permission: { view_app: true, deploy_app: true } }],
  });
  await admin.post(`/roles/${role}/users/`, [{ id: user.id }]);
  await admin.delete(`/roles/${role}/`, undefined, { 'x-request-id': `delete-${role}` });
  const records = await t.db
    .selectFrom('auditRecords')
    .where('requestId', '=', `delete-${role}`)
    .select(['view', 'action', 'permName', 'opType'])
    .orderBy('id')
    .execute();
  expect(records).toEqual([
    { view: 'resources', action: 'disable', permName: 'view_app', opType: 'disable' },
    { view: 'resources', action: 'disable', permName: 'deploy_app', opType: 'disable' },
    { view: 'operations', action: null, permName: null, opType: 'delete' },
  ]);
  expect((await user.get(`/applications/${app}/authorization/users/`)).status).toBe(404);
});
