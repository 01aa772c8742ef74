import { unique } from '../support/harness.ts';
import { testApp, type TestApp, type TestUser } from '../support/api/app.ts';

let t: TestApp;
let manager: TestUser;
let admin: TestUser;
beforeAll(async () => {
  t = await testApp();
  admin = await t.user({ admin: true });
  manager = await t.user({ system: ['view_user', 'manage_user', 'manage_role'] });
});
afterAll(() => t.close());

const person = (username = `p${unique()}`) => ({ username, email: `${username}@example.com` });

describe('users', () => {
  test('a new user has the documented form', async () => {
    const given = { ...person(`P${unique()}`.toUpperCase()), phone: '+8613800138000' };
    const answer = await manager.post('/users/', given);
    const username = given.username.toLowerCase();
    expect(answer).toMatchObject({
      status: 201,
      body: { username, name: username, phone: given.phone, status: 'enabled', roles: [], last_login_time: null },
    });
    expect(answer.body['available_actions']).toEqual({
      edit: true,
      disable: true,
      enable: false,
      change_password: false,
      assign_roles: true,
    });
    expect(await manager.get(`/users/${Number(answer.body['id'])}/`)).toMatchObject({ body: answer.body });
  });

  test.each([
    ['username', { ...person(), username: '1abc' }],
    ['username', { email: 'a@example.com' }],
    ['email', { ...person(), email: 'nonsense' }],
    ['phone', { ...person(), phone: 'call me' }],
    ['status', { ...person(), status: 'disabled' }],
  ])('a wrong %s is refused by its name', async (field, body) => {
    const answer = await manager.post<{ details: { field: string }[] }>('/users/', body);
    expect(answer.status).toBe(400);
    expect(answer.body.details.map((detail) => detail.field)).toContain(field);
  });

  test('an address is taken whatever its case', async () => {
    const given = person();
    await manager.post('/users/', given);
    const again = { ...person(), email: given.email.toUpperCase() };
    expect(await manager.post('/users/', again)).toMatchObject({ status: 409, body: { error_code: 10005 } });
  });

  test.each(['short', 'password123', 'aaaaaaaaaaaa', 'a'.repeat(129), '汉'.repeat(128) + '字'.repeat(60)])(
    'a weak password is refused: %s',
    async (password) => {
      const answer = await manager.post('/users/', { ...person(), password });
      expect(answer).toMatchObject({ status: 400, body: { error_code: 10001, message: 'password too weak' } });
    },
  );

  test('without view_user a list shows names alone, and no filter reaches further', async () => {
    const user = await t.user();
    const answer = await user.get<{ results: object[] }>(`/users/?username=${user.username}`);
    expect(answer.body.results).toEqual([{ id: user.id, username: user.username, name: user.username }]);
    expect((await user.get('/users/?email=example')).status).toBe(403);
    expect((await user.get(`/users/${manager.id}/`)).status).toBe(403);
    expect((await user.get(`/users/${user.id}/`)).status).toBe(200);
  });

  test('filters are substrings regardless of case, and patterns mean themselves', async () => {
    const { username } = await t.user({ username: `x_${unique()}` });
    const found = await manager.get<{ count: number }>(`/users/?username=${username.slice(0, 6).toUpperCase()}`);
    expect(found.body.count).toBe(1);
    expect((await manager.get<{ count: number }>('/users/?username=%25')).body.count).toBe(0);
  });

  test('a new address of oneself needs the password', async () => {
    const user = await t.user({ password: 'correct horse battery' });
    const email = `${unique()}@example.com`;
    expect(await user.patch(`/users/${user.id}/`, { email })).toMatchObject({
      status: 400,
      body: { details: [{ field: 'password' }] },
    });
    expect((await user.patch(`/users/${user.id}/`, { email, password: 'wrong' })).status).toBe(403);
    const right = await user.patch(`/users/${user.id}/`, { email, password: 'correct horse battery' });
    expect(right).toMatchObject({ status: 200, body: { email } });
  });

  test('an administrator can be changed and disabled by administrators only', async () => {
    const answer = await manager.post(`/users/${admin.id}/actions/disable/`);
    expect(answer).toMatchObject({ status: 403, body: { message: 'not allowed: admin' } });
    expect((await manager.patch(`/users/${admin.id}/`, { email: 'mine@example.com' })).status).toBe(403);
  });

  test('the last enabled administrator cannot be disabled, nor lose the role, even by two at once', async () => {
    const second = await t.user({ admin: true });
    const both = await Promise.all([
      admin.post(`/users/${second.id}/actions/disable/`),
      second.post(`/users/${admin.id}/actions/disable/`),
    ]);
    const refused = both.filter((answer) => answer.status !== 200);
    expect(refused).toHaveLength(1);
    const [left, gone] = both[0].status === 200 ? [admin, second] : [second, admin];
    expect(await left.post(`/users/${left.id}/actions/disable/`)).toMatchObject({
      status: 409,
      body: { error_code: 10005, message: 'last administrator' },
    });
    const role = await left.get<{ results: { id: number }[] }>('/roles/?name=admin');
    const body = [{ id: role.body.results[0]?.id }];
    expect((await left.delete(`/users/${left.id}/roles/`, body)).status).toBe(409);
    expect((await left.post(`/users/${gone.id}/actions/enable/`)).status).toBe(200);
  });
});

describe('changing a password', () => {
  const password = 'correct horse battery';

  test('needs the original, which may be wrong five times', async () => {
    const user = await t.user({ password });
    const change = (original_password: string, new_password = 'a lasting password') =>
      user.post(`/users/${user.id}/actions/change-password/`, { original_password, new_password });
    for (let n = 0; n < 5; n += 1)
      expect(await change('wrong')).toMatchObject({ status: 400, body: { error_code: 300001 } });
    expect(await change(password)).toMatchObject({ status: 429, body: { error_code: 10006 } });
  });

  test('takes no weak password and not the present one; the token of the request stays', async () => {
    const user = await t.user({ password });
    const change = (new_password: string) =>
      user.post(`/users/${user.id}/actions/change-password/`, { original_password: password, new_password });
    expect(await change('short')).toMatchObject({ status: 400, body: { message: 'password too weak' } });
    expect((await change(password)).status).toBe(400);
    expect((await change('a lasting password')).status).toBe(200);
    expect((await user.get('/auth/me/')).status).toBe(200);
  });

  test("is refused for another user's account", async () => {
    const user = await t.user({ password });
    const body = { original_password: password, new_password: 'a lasting password' };
    expect((await admin.post(`/users/${user.id}/actions/change-password/`, body)).status).toBe(403);
  });
});
