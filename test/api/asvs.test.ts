// Requirements of the security standard that no other test covers; docs/asvs.md maps each requirement to its test.
import { createHash } from 'node:crypto';
import { commonPasswords } from '../../db/access/common-passwords.ts';
import { ensureAdmin } from '../../db/access/first-admin.ts';
import { generatePassword, weaknessOf } from '../../db/access/passwords.ts';
import { parseConfig } from '../../kit/config/config.ts';
import { testApp, type TestApp, type TestUser } from '../support/api/app.ts';
import type { RefusalBody } from '../support/api/inventory.ts';

let t: TestApp;
let now = new Date();
beforeAll(async () => {
  t = await testApp({ now: () => now });
});
afterAll(() => t.close());

const password = 'correct horse battery';

async function logIn(username: string, given = password, headers: Record<string, string> = {}) {
  const login = { username, password: given };
  const answer = await t.anonymous.post<{ csrf_token: string }>('/auth/login/', login, headers);
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  return { status: answer.status, cookie, browser: t.client({ cookie, 'x-csrf-token': answer.body.csrf_token }) };
}

const isIn = async (cookie: string): Promise<boolean> => (await t.client({ cookie }).get('/auth/me/')).status === 200;

const setPassword = async (user: TestUser, new_password: string): Promise<number> => {
  const admin = await t.user({ admin: true });
  return (await admin.post(`/users/${user.id}/actions/set-password/`, { new_password })).status;
};

describe('a password', () => {
  test.each(['aaaa bbbb cccc dddd', '長い合言葉は良い合言葉です', '            x y z 1', '!"§$%&/()=?`´+~#'])(
    'may be of any characters: %s',
    async (chosen) => {
      const user = await t.user();
      expect(await setPassword(user, chosen)).toBe(200);
      expect((await logIn(user.username, chosen)).status).toBe(200);
    },
  );

  test('of 128 characters is used whole: neither its case nor its end may differ', async () => {
    const user = await t.user();
    const chosen = 'Long Passphrase '.repeat(8);
    expect(chosen).toHaveLength(128);
    expect(await setPassword(user, chosen)).toBe(200);
    for (const wrong of [chosen.toLowerCase(), chosen.slice(0, 127), `${chosen}x`, chosen.trimEnd()])
      expect((await logIn(user.username, wrong)).status).toBe(401);
    expect((await logIn(user.username, chosen)).status).toBe(200);
  });

  test.each(['password123', 'PASSWORD123', 'qwertyuiop', '1234567890', 'monkey1234', 'aaaaaaaaaaaa'])(
    'that is commonly guessed is refused, and the refusal says what to do: %s',
    async (common) => {
      const admin = await t.user({ admin: true });
      const answer = await admin.post<RefusalBody>(`/users/${(await t.user()).id}/actions/set-password/`, {
        new_password: common,
      });
      expect(answer).toMatchObject({ status: 400, body: { error_code: 10001 } });
      expect(answer.body.details?.[0]?.message).toMatch(/; take /);
    },
  );

  test('is refused if it is one of the 9,000 most common that are long enough, regardless of case', () => {
    const owner = { username: 'li', email: 'li@example.com' };
    expect(commonPasswords.size).toBeGreaterThan(9_000);
    const accepted = [...commonPasswords].filter(
      (one) => !weaknessOf(one, owner) || !weaknessOf(one.toUpperCase(), owner),
    );
    expect(accepted).toEqual([]);
    expect([...commonPasswords].filter((one) => one.length < 10 || one !== one.toLowerCase())).toEqual([]);
  });

  test("that is little more than the user's name or address, or a word of the company or product, is refused", () => {
    const owner = { username: 'long.user.name', email: 'an.address@acme-corp.com', words: ['Hovercraft'] };
    for (const own of [
      'Long.User.Name',
      'an.address@acme-corp.com',
      'an.address',
      'long.user.name2026',
      'AN.ADDRESS!!!!',
      'Acme-Corp2026',
      'hovercraft1',
      'Slipway2026!',
      'slipwayHovercraft1',
    ])
      expect(weaknessOf(own, owner)).toBe('password_own');
    for (const other of ['slipway to correct horses', 'long.user.name and a battery', 'liver and onions'])
      expect(weaknessOf(other, { ...owner, username: 'li' })).toBeUndefined();
  });

  test('may not consist of the words of SLIPWAY_FORBIDDEN_WORDS, no matter who sets it', async () => {
    const config = parseConfig({ SLIPWAY_FORBIDDEN_WORDS: 'Hovercraft, eels' });
    const configured = await testApp({ config });
    const user = await configured.user({ password });
    const change = (new_password: string) =>
      user.post(`/users/${user.id}/actions/change-password/`, { original_password: password, new_password });
    expect((await change('hovercraft2026')).status).toBe(400);
    expect((await change('my hovercraft is full')).status).toBe(200);
    await configured.close();
  });

  test('does not expire', async () => {
    const user = await t.user({ password });
    const begin = now;
    now = new Date(begin.getTime() + 10 * 365 * 24 * 3_600_000);
    const { status, browser } = await logIn(user.username);
    expect([status, (await browser.get('/roles/')).status]).toEqual([200, 200]);
    now = begin;
  });

  test('that is generated is strong and unique', () => {
    const generated = Array.from({ length: 100 }, generatePassword);
    expect(new Set(generated).size).toBe(100);
    for (const one of generated) expect(weaknessOf(one, { username: 'admin', email: 'a@b.c' })).toBeUndefined();
  });
});

describe('the password of the first administrator', () => {
  test('is generated and must be changed at the first login, before anything else', async () => {
    const fresh = await testApp();
    const generated = (await ensureAdmin(fresh.db)) ?? '';
    const login = await fresh.anonymous.post('/auth/login/', { username: 'admin', password: generated });
    expect(login).toMatchObject({ status: 200, body: { must_change_password: true } });
    const cookie = (login.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    expect((await fresh.client({ cookie }).get('/users/')).status).toBe(403);
    await fresh.close();
  });

  test('is the configured one, unless that is commonly guessed', async () => {
    const fresh = await testApp();
    for (const weak of ['password123', 'admin.admin.admin', 'slipway-2026', 'hovercraft99'])
      await expect(ensureAdmin(fresh.db, { password: weak, words: ['hovercraft'] })).rejects.toThrow(
        /^SLIPWAY_ADMIN_PASSWORD is /,
      );
    expect(await ensureAdmin(fresh.db, { password })).toBeUndefined();
    const login = await fresh.anonymous.post('/auth/login/', { username: 'admin', password });
    expect(login).toMatchObject({ status: 200, body: { must_change_password: false } });
    await fresh.close();
  });
});

describe('a session', () => {
  test('is identified by 256 random bits that the database holds only hashed', async () => {
    const user = await t.user({ password });
    const [one, two] = [await logIn(user.username), await logIn(user.username)];
    const values = [one, two].map(({ cookie }) => cookie.slice('slipway_session='.length));
    expect(new Set(values).size).toBe(2);
    for (const value of values) expect(Buffer.from(value, 'base64url')).toHaveLength(32);
    const rows = await t.db.selectFrom('sessions').where('userId', '=', user.id).select('idHash').execute();
    const hashes = values.map((value) => createHash('sha256').update(value).digest('hex'));
    expect(rows.map(({ idHash }) => idHash.toString('hex')).sort()).toEqual(hashes.sort());
  });

  test("is new at each login, which ends the browser's previous one", async () => {
    const [user, other] = [await t.user({ password }), await t.user({ password })];
    const elsewhere = await logIn(user.username);
    const before = await logIn(user.username);
    const failed = await logIn(other.username, 'wrong wrong wrong', { cookie: before.cookie });
    expect([failed.status, await isIn(before.cookie)]).toEqual([401, true]);
    const after = await logIn(other.username, password, { cookie: before.cookie });
    expect(after.cookie).not.toBe(before.cookie);
    expect([await isIn(before.cookie), await isIn(after.cookie), await isIn(elsewhere.cookie)]).toEqual([
      false,
      true,
      true,
    ]);
  });

  test('that the browser had before the login is not reused', async () => {
    const user = await t.user({ password });
    const planted = `slipway_session=${'A'.repeat(43)}`;
    const { cookie } = await logIn(user.username, password, { cookie: planted });
    expect(cookie).not.toBe(planted);
    expect(await isIn(planted)).toBe(false);
  });

  test('elsewhere ends when its user changes the password, and all end when an administrator sets it', async () => {
    const user = await t.user({ password });
    const [here, there] = [await logIn(user.username), await logIn(user.username)];
    const change = { original_password: password, new_password: 'a lasting password' };
    expect((await here.browser.post(`/users/${user.id}/actions/change-password/`, change)).status).toBe(200);
    expect([await isIn(here.cookie), await isIn(there.cookie)]).toEqual([true, false]);
    expect(await setPassword(user, 'another lasting password')).toBe(200);
    expect(await isIn(here.cookie)).toBe(false);
  });

  test('cannot be passed in an address, nor can a token', async () => {
    const user = await t.user({ password });
    const { cookie } = await logIn(user.username);
    for (const address of [
      `/auth/me/?${cookie}`,
      `/auth/me/?token=${user.token}`,
      `/auth/me/?authorization=${user.token}`,
    ])
      expect((await t.anonymous.get(address)).status).toBe(401);
  });
});

test('sees permissions granted or revoked from the next request on', async () => {
  const [admin, user] = [await t.user({ admin: true }), await t.user()];
  const grant = (view_user: boolean) =>
    admin.post(`/users/${user.id}/system/perms/`, {
      module_name: 'user_mgmt',
      permissions: { enable_user_mgmt: view_user, view_user },
    });
  const sees = async () => (await user.get(`/users/${admin.id}/`)).status;
  expect(await sees()).toBe(403);
  expect((await grant(true)).status).toBe(200);
  expect(await sees()).toBe(200);
  expect((await grant(false)).status).toBe(200);
  expect(await sees()).toBe(403);
});

test('does not let users write read-only fields: status, roles, creator, ids', async () => {
  const user = await t.user();
  for (const field of ['status', 'roles', 'username', 'id', 'is_admin', 'must_change_password'])
    expect((await user.patch(`/users/${user.id}/`, { [field]: 'enabled' })).status).toBe(400);
});
