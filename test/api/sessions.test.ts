// The list of a user's sessions and how they end, one by one and together.
import { sql } from 'kysely';
import { testApp, type TestApp } from '../support/api/app.ts';
import type { Page } from '../support/api/inventory.ts';

let t: TestApp;
let now = new Date();
beforeAll(async () => {
  t = await testApp({ now: () => now });
});
afterAll(() => t.close());

const password = 'correct horse battery';

interface Session {
  id: number;
  created_time: string;
  last_used_time: string;
  expires_time: string;
  client: string | null;
  current: boolean;
}

async function logIn(username: string, userAgent = 'a browser') {
  const answer = await t.anonymous.post<{ csrf_token: string }>(
    '/auth/login/',
    { username, password },
    { 'user-agent': userAgent },
  );
  expect(answer.status).toBe(200);
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const browser = t.client({ cookie, 'x-csrf-token': answer.body.csrf_token });
  const { body } = await browser.get<Page<Session>>('/auth/sessions/');
  const id = body.results.find(({ current }) => current)?.id ?? 0;
  return { browser, cookie, id, isIn: async () => (await browser.get('/auth/me/')).status === 200 };
}

const recordsOf = (opType: string, targetId: number) =>
  t.db
    .selectFrom('auditRecords')
    .where('opType', '=', opType)
    .where('targetId', '=', targetId)
    .where('outcome', '=', 'success')
    .selectAll()
    .execute();

describe('the list of own sessions', () => {
  test('says of each when it began, when it was last used, from where and by which client, and which is the present one', async () => {
    const user = await t.user({ password });
    const begin = now;
    const first = await logIn(user.username, 'Firefox');
    now = new Date(begin.getTime() + 3_600_000);
    const second = await logIn(user.username, 'x'.repeat(300));
    const { body } = await second.browser.get<Page<Session>>('/auth/sessions/');
    expect(body.count).toBe(2);
    expect(body.results[0]).toEqual({
      id: first.id,
      client: 'Firefox',
      remote_addr: null,
      current: false,
      created_time: begin.toISOString(),
      last_used_time: begin.toISOString(),
      expires_time: new Date(begin.getTime() + 7 * 24 * 3_600_000).toISOString(),
      available_actions: { delete: true },
    });
    expect(body.results[1]).toMatchObject({ id: second.id, current: true });
    expect(body.results[1]?.client).toHaveLength(200);
    now = begin;
  });

  test('holds no token, no form token and no hash of one', async () => {
    const user = await t.user({ password });
    const { browser, cookie } = await logIn(user.username);
    const row = await t.db
      .selectFrom('sessions')
      .where('userId', '=', user.id)
      .select(['idHash', 'csrfToken'])
      .executeTakeFirstOrThrow();
    const text = JSON.stringify((await browser.get('/auth/sessions/')).body);
    const hash = (encoding: 'hex' | 'base64' | 'base64url') => row.idHash.toString(encoding);
    for (const secret of [cookie.split('=')[1] ?? '', row.csrfToken, hash('hex'), hash('base64'), hash('base64url')])
      expect(text).not.toContain(secret);
  });

  test('holds neither those of others, an administrator included, nor those that have ended', async () => {
    const [user, admin] = [await t.user({ password }), await t.user({ password, admin: true })];
    const begin = now;
    await logIn(user.username);
    const { browser } = await logIn(admin.username);
    expect((await browser.get<Page<Session>>('/auth/sessions/')).body.count).toBe(1);
    now = new Date(begin.getTime() + 13 * 3_600_000);
    expect((await user.get<Page<Session>>('/auth/sessions/')).body.count).toBe(0);
    now = begin;
  });
});

describe('a session', () => {
  test('is ended by its user with their password, at once and for good, with a record', async () => {
    const user = await t.user({ password });
    const [here, there] = [await logIn(user.username), await logIn(user.username)];
    const path = `/auth/sessions/${there.id}/`;
    const wrong = await here.browser.delete(path, { password: 'wrong wrong wrong' });
    expect(wrong).toMatchObject({ status: 403, body: { message: 'not allowed: password' } });
    expect(await there.isIn()).toBe(true);
    expect((await here.browser.delete(path, {})).status).toBe(400);
    expect((await here.browser.delete(path, { password })).status).toBe(200);
    expect([await here.isIn(), await there.isIn()]).toEqual([true, false]);
    expect((await here.browser.delete(path, { password })).status).toBe(404);
    expect(await recordsOf('delete', there.id)).toMatchObject([{ targetType: 'session', operator: user.username }]);
  });

  test('of another user is 404 for every caller', async () => {
    const [user, admin] = [await t.user({ password }), await t.user({ password, admin: true })];
    const theirs = await logIn(user.username);
    const answer = await admin.delete(`/auth/sessions/${theirs.id}/`, { password });
    expect([answer.status, await theirs.isIn()]).toEqual([404, true]);
  });

  test('is not ended by guessing the password: wrong ones count towards the limit of logins', async () => {
    const user = await t.user({ password });
    const { browser, id } = await logIn(user.username);
    for (let n = 0; n < 5; n += 1) await browser.delete(`/auth/sessions/${id}/`, { password: 'wrong wrong wrong' });
    expect((await browser.delete(`/auth/sessions/${id}/`, { password })).status).toBe(429);
  });
});

describe('sessions together', () => {
  test('all others of oneself end with one call', async () => {
    const [user, other] = [await t.user({ password }), await t.user({ password })];
    const [one, two, here] = [await logIn(user.username), await logIn(user.username), await logIn(user.username)];
    const bystander = await logIn(other.username);
    expect((await here.browser.post('/auth/sessions/actions/end-others/', { password })).status).toBe(200);
    expect([await one.isIn(), await two.isIn(), await here.isIn(), await bystander.isIn()]).toEqual([
      false,
      false,
      true,
      true,
    ]);
    expect(await recordsOf('end_sessions', user.id)).toMatchObject([
      { detailEn: expect.stringContaining('2 sessions') as string },
    ]);
    expect((await user.post('/auth/sessions/actions/end-others/', { password })).status).toBe(200);
    expect(await here.isIn()).toBe(false);
  });

  test('all of a user are ended by those who may administer the user; tokens stay', async () => {
    const manager = await t.user({ system: ['manage_user'] });
    const [user, admin] = [await t.user({ password }), await t.user({ password, admin: true })];
    const [theirs, admins] = [await logIn(user.username), await logIn(admin.username)];
    expect((await manager.post(`/users/${user.id}/actions/end-sessions/`)).status).toBe(200);
    expect([await theirs.isIn(), (await user.get('/auth/me/')).status]).toEqual([false, 200]);
    expect((await manager.post(`/users/${admin.id}/actions/end-sessions/`)).status).toBe(403);
    expect(await admins.isIn()).toBe(true);
  });

  test('of all users are ended by an administrator with their own password, all or none', async () => {
    const [user, admin] = [await t.user({ password }), await t.user({ password, admin: true })];
    const [theirs, own] = [await logIn(user.username), await logIn(admin.username)];
    const end = (given: string) => own.browser.post('/users/actions/end-sessions/', { password: given });
    expect((await end('wrong wrong wrong')).status).toBe(403);
    const { owner } = t.database;
    await sql`alter table audit_records add constraint never check (false) not valid`.execute(owner);
    expect((await end(password)).status).toBe(503);
    await sql`alter table audit_records drop constraint never`.execute(owner);
    expect(await theirs.isIn()).toBe(true);
    expect((await end(password)).status).toBe(200);
    expect([await theirs.isIn(), await own.isIn(), (await user.get('/auth/me/')).status]).toEqual([false, true, 200]);
    expect(await recordsOf('end_sessions', user.id)).toMatchObject([{ operator: admin.username }]);
  });
});
