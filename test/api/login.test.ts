import { testApp, type TestApp } from './app.ts';

let t: TestApp;
beforeAll(async () => {
  t = await testApp();
});
afterAll(() => t.close());

const password = 'correct horse battery';

async function logIn(username: string) {
  const answer = await t.anonymous.post<{ csrf_token: string }>('/auth/login/', { username, password });
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  return { answer, cookie, csrf: answer.body.csrf_token };
}

describe('logging in', () => {
  test('a login sets an HttpOnly, SameSite cookie and answers a form token', async () => {
    const user = await t.user({ password });
    const { answer } = await logIn(user.username);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ user: { id: user.id, username: user.username }, must_change_password: false });
    expect(answer.headers.get('set-cookie')).toMatch(/^slipway_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; /);
  });

  test('the session answers who is logged in, and what he may do', async () => {
    const user = await t.user({ password, system: ['manage_user'] });
    const { cookie, csrf } = await logIn(user.username);
    const me = await t.client({ cookie }).get('/auth/me/');
    expect(me.body).toMatchObject({
      id: user.id,
      csrf_token: csrf,
      permissions: { user_mgmt: { enable_user_mgmt: true, manage_user: true, manage_role: false } },
    });
  });
});
