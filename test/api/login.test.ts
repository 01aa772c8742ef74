import { clientOf } from '../../api/kernel/client-address.ts';
import { parseConfig } from '../../kit/config/config.ts';
import { testApp, type TestApp } from '../support/api/app.ts';

let t: TestApp;
let now = new Date();
beforeAll(async () => {
  t = await testApp({ now: () => now });
});
afterAll(() => t.close());

const password = 'correct horse battery';

async function logIn(username: string, given = password) {
  const answer = await t.anonymous.post<{ csrf_token: string }>('/auth/login/', { username, password: given });
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  return { answer, cookie, csrf: answer.body.csrf_token };
}

describe('logging in', () => {
  test('a login sets an HttpOnly, SameSite cookie and returns a form token', async () => {
    const user = await t.user({ password });
    const { answer } = await logIn(user.username.toUpperCase());
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ user: { id: user.id, username: user.username }, must_change_password: false });
    expect(answer.headers.get('set-cookie')).toMatch(/^slipway_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; /);
  });

  test('the cookie is Secure when the public address is https', async () => {
    const user = await t.user({ password });
    const secure = await testApp({
      config: parseConfig({ SLIPWAY_PUBLIC_URL: 'https://slipway.example.com' }),
      db: t.db,
    });
    const answer = await secure.anonymous.post('/auth/login/', { username: user.username, password });
    expect(answer.headers.get('set-cookie')).toMatch(
      /^__Host-slipway_session=.*; Secure, __Host-slipway_device=.*; Secure$/,
    );
    await secure.close();
  });

  test('the session returns its user and their permissions', async () => {
    const user = await t.user({ password, system: ['manage_user'] });
    const { cookie, csrf } = await logIn(user.username);
    const me = await t.client({ cookie }).get('/auth/me/');
    expect(me.body).toMatchObject({
      id: user.id,
      csrf_token: csrf,
      permissions: { user_mgmt: { enable_user_mgmt: true, manage_user: true, manage_role: false } },
    });
  });

  test('a wrong password, an unknown and a disabled user get the same answer', async () => {
    const user = await t.user({ password });
    const disabled = await t.user({ password });
    await t.db.updateTable('users').set({ status: 'disabled' }).where('id', '=', disabled.id).execute();
    const answers = [
      await logIn(user.username, 'wrong wrong wrong'),
      await logIn('nobody-at-all'),
      await logIn(disabled.username),
    ];
    for (const { answer } of answers)
      expect([answer.status, answer.body]).toEqual([401, { error_code: 10002, message: 'wrong username or password' }]);
    const failed = await t.db.selectFrom('auditRecords').where('opType', '=', 'login_failed').selectAll().execute();
    expect(failed).toContainEqual(expect.objectContaining({ operator: 'anonymous', targetId: user.id }));
  });

  test('an account is closed to an address for a while after five failures, however fast they come, right password included', async () => {
    const user = await t.user({ password });
    const burst = await Promise.all(Array.from({ length: 9 }, () => logIn(user.username, 'wrong wrong wrong')));
    expect(burst.filter(({ answer }) => answer.status === 401)).toHaveLength(5);
    const { answer } = await logIn(user.username);
    expect(answer).toMatchObject({ status: 429, body: { error_code: 10006 } });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('failures before a success do not count', async () => {
    const user = await t.user({ password });
    for (let n = 0; n < 2; n += 1) {
      for (let m = 0; m < 3; m += 1) await logIn(user.username, 'wrong wrong wrong');
      expect((await logIn(user.username)).answer.status).toBe(200);
    }
  });
});

describe('a session', () => {
  test('changes something only with its form token', async () => {
    const user = await t.user({ password });
    const { cookie, csrf } = await logIn(user.username);
    const browser = t.client({ cookie });
    const refused = { status: 403, body: { error_code: 10003 } };
    expect(await browser.post('/auth-tokens/', { name: 'a' })).toMatchObject(refused);
    expect(await browser.post('/auth-tokens/', { name: 'a' }, { 'x-csrf-token': 'wrong' })).toMatchObject(refused);
    expect((await browser.post('/auth-tokens/', { name: 'a', password }, { 'x-csrf-token': csrf })).status).toBe(201);
  });

  test.each(['null', 'https://evil.example.com', 'http://localhost.evil.example.com'])(
    'is refused to pages of the origin %s',
    async (origin) => {
      const user = await t.user({ password });
      const { cookie, csrf } = await logIn(user.username);
      expect((await t.client({ cookie }).get('/auth/me/', { origin })).status).toBe(403);
      const login = { username: user.username, password };
      expect((await t.anonymous.post('/auth/login/', login, { origin, 'x-csrf-token': csrf })).status).toBe(403);
      expect((await t.client({ cookie }).get('/auth/me/', { origin: 'http://localhost' })).status).toBe(200);
    },
  );

  test('ends with the logout', async () => {
    const user = await t.user({ password });
    const { cookie, csrf } = await logIn(user.username);
    const out = await t.client({ cookie }).post('/auth/logout/', undefined, { 'x-csrf-token': csrf });
    expect(out.headers.get('set-cookie')).toMatch(/^slipway_session=; .*Max-Age=0/);
    expect((await t.client({ cookie }).get('/auth/me/')).status).toBe(401);
  });

  test('ends after twelve idle hours, and after seven days in any case', async () => {
    const user = await t.user({ password });
    const begin = now;
    const { cookie } = await logIn(user.username);
    const idle = await logIn(user.username);
    const after = (hours: number): void => void (now = new Date(begin.getTime() + hours * 3_600_000));
    for (let hours = 11; hours < 168; hours += 11) {
      after(hours);
      expect((await t.client({ cookie }).get('/auth/me/')).status).toBe(200);
    }
    expect((await t.client({ cookie: idle.cookie }).get('/auth/me/')).status).toBe(401);
    after(168);
    expect((await t.client({ cookie }).get('/auth/me/')).status).toBe(401);
    now = begin;
  });

  test('and the tokens of a disabled user are refused at once; enabling revives the tokens alone', async () => {
    const admin = await t.user({ admin: true });
    const user = await t.user({ password });
    const { cookie } = await logIn(user.username);
    await admin.post(`/users/${user.id}/actions/disable/`);
    expect([(await user.get('/auth/me/')).status, (await t.client({ cookie }).get('/auth/me/')).status]).toEqual([
      401, 401,
    ]);
    await admin.post(`/users/${user.id}/actions/enable/`);
    expect([(await user.get('/auth/me/')).status, (await t.client({ cookie }).get('/auth/me/')).status]).toEqual([
      200, 401,
    ]);
  });

  test('of a user who must change their password allows only that', async () => {
    const admin = await t.user({ admin: true });
    const user = await t.user({ password });
    const set = await admin.post(`/users/${user.id}/actions/set-password/`, { new_password: 'a passing password' });
    expect(set.status).toBe(200);
    const { answer, cookie, csrf } = await logIn(user.username, 'a passing password');
    expect(answer.body).toMatchObject({ must_change_password: true });
    const browser = t.client({ cookie, 'x-csrf-token': csrf });
    expect((await browser.get('/roles/')).body['message']).toBe('not allowed: change your password first');
    expect((await browser.get('/auth/me/')).status).toBe(200);
    const change = { original_password: 'a passing password', new_password: 'a lasting password' };
    expect((await browser.post(`/users/${user.id}/actions/change-password/`, change)).status).toBe(200);
    expect((await browser.get('/roles/')).status).toBe(200);
  });
});

describe('the address of a client', () => {
  const request = new Request('http://slipway.internal/x', {
    headers: {
      'x-forwarded-for': '203.0.113.9, 198.51.100.7, 10.0.0.2',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'slipway.example.com',
    },
  });

  test('is taken from trusted proxies, up to the first untrusted hop', () => {
    const config = parseConfig({ SLIPWAY_TRUSTED_PROXIES: '10.0.0.1,10.0.0.2' });
    expect(clientOf(request, '::ffff:10.0.0.1', config)).toEqual({
      remoteAddr: '198.51.100.7',
      publicUrl: 'https://slipway.example.com',
      userAgent: null,
      deviceCookie: null,
    });
  });

  test('is the peer itself unless that is a trusted proxy, whatever it claims', () => {
    expect(clientOf(request, '192.0.2.4', parseConfig({}))).toEqual({
      remoteAddr: '192.0.2.4',
      publicUrl: 'http://slipway.internal',
      userAgent: null,
      deviceCookie: null,
    });
  });
});
