// Protection of one account from other users: who changes its recovery data, who may lock its owner out, what a stolen
// session can obtain, and what the log and the filters reveal.
import { Secret, TOTP } from 'otpauth';
import { createApp } from '../../api/app.ts';
import { endpoints } from '../../api/areas.ts';
import type { SystemPermission } from '../../db/access/permission-catalogue.ts';
import { parseConfig } from '../../kit/config/config.ts';
import { unique } from '../support/harness.ts';
import {
  clientOf,
  makeApplication,
  makeHost,
  testApp,
  type TestClient,
  type TestApp,
  type TestUser,
} from '../support/api/app.ts';

const password = 'correct horse battery';
const login = '/auth/login/';

let t: TestApp;
let now = new Date();
const pauses: number[] = [];
beforeAll(async () => {
  t = await testApp({ now: () => now, pause: (ms) => Promise.resolve(void pauses.push(ms)) });
});
afterAll(() => t.close());
beforeEach(async () => {
  pauses.length = 0;
  await t.db.deleteFrom('rateEvents').execute();
});

/** A client at an address of its own. */
const at = (peer: string, headers: Record<string, string> = {}): TestClient =>
  clientOf(
    {
      request: (path, init) =>
        t.app.fetch(new Request(`http://slipway.test${path}`, init), {
          incoming: { socket: { remoteAddress: peer } },
        }),
    },
    headers,
  );

const cookies = (answer: { headers: Headers }): string =>
  answer.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ');

describe('what an account is recovered by', () => {
  const ways: [string, (by: TestUser, id: number) => Promise<{ status: number }>][] = [
    ['its address', (by, id) => by.patch(`/users/${id}/`, { email: `${unique()}@example.com` })],
    ['its sessions', (by, id) => by.post(`/users/${id}/actions/end-sessions/`)],
    ['its second factor', (by, id) => by.post(`/users/${id}/actions/reset-second-factor/`)],
    ['its password', (by, id) => by.post(`/users/${id}/actions/set-password/`, { new_password: 'set by a clerk' })],
  ];
  const worths: [string, () => Promise<TestUser>][] = [
    ['a system permission', () => t.user({ system: ['create_app'] })],
    ['a permission of a role', withRole],
    [
      'a permission on an application',
      async () => t.user({ application: { [await makeApplication(t.db)]: ['view_app'] } }),
    ],
    ['a permission on a host', async () => t.user({ host: { [await makeHost(t.db)]: ['view_host'] } })],
    ['everything', () => t.user({ admin: true })],
  ];

  async function withRole(): Promise<TestUser> {
    const user = await t.user();
    const { id } = await t.db
      .insertInto('roles')
      .values({ name: unique(), creator: 'test' })
      .returning('id')
      .executeTakeFirstOrThrow();
    await t.db.insertInto('userRoles').values({ userId: user.id, roleId: id }).execute();
    const grant = { userId: null, roleId: id, scope: 'system' as const, objectId: 0, permission: 'create_app' };
    await t.db.insertInto('grants').values(grant).execute();
    return user;
  }

  const table = ways.flatMap(([what, act]) => worths.map(([held, make]) => [what, held, act, make] as const));
  test.each(table)(
    '%s is not changed by a clerk when it holds %s, and by an administrator it is',
    async (_w, _h, act, make) => {
      const [clerk, admin, user] = [
        await t.user({ system: ['manage_user'] }),
        await t.user({ admin: true }),
        await make(),
      ];
      expect((await act(clerk, user.id)).status).toBe(403);
      expect([200, 409]).toContain((await act(admin, user.id)).status);
    },
  );

  test('its address and sessions are changed by a clerk who holds as much', async () => {
    const app = await makeApplication(t.db);
    const held: SystemPermission[] = ['manage_user', 'create_app'];
    const clerk = await t.user({ system: held, application: { [app]: ['edit_app'] } });
    const user = await t.user({ system: ['create_app'], application: { [app]: ['view_app'] } });
    for (const [, act] of ways.slice(0, 2)) expect((await act(clerk, user.id)).status).toBe(200);
  });

  test('an address that is taken is refused, regardless of case', async () => {
    const [admin, one, other] = [await t.user({ admin: true }), await t.user(), await t.user()];
    const email = `${other.username}@EXAMPLE.com`;
    expect((await admin.patch(`/users/${one.id}/`, { email })).status).toBe(409);
  });

  test('its address is changed by its owner with the password or with a code, and not without', async () => {
    const user = await t.user({ password });
    const change = (given: object) => user.patch(`/users/${user.id}/`, { email: `${unique()}@example.com`, ...given });
    expect((await change({})).status).toBe(400);
    expect((await change({ password: 'wrong' })).status).toBe(403);
    expect((await change({ code: '000000' })).status).toBe(403);
    expect((await change({ password })).status).toBe(200);
    const { code } = await enrol(user);
    expect((await change({ code: code() })).status).toBe(200);
  });
});

/** Sets up a second factor; `code` gives the next code each time. */
async function enrol(user: TestUser): Promise<{ code: () => string }> {
  const { body } = await user.post<{ secret: string }>('/auth/second-factor/', { password });
  const totp = new TOTP({ secret: Secret.fromBase32(body.secret) });
  const code = (): string => {
    now = new Date(now.getTime() + 30_000);
    return totp.generate({ timestamp: now.getTime() });
  };
  expect((await user.post('/auth/second-factor/actions/confirm/', { code: code() })).status).toBe(200);
  return { code };
}

describe('strangers', () => {
  const wrong = (client: TestClient, username: string) => client.post(login, { username, password: 'wrong wrong' });

  test('shut nobody out: what they try from other addresses only slows, by a second and at most 30', async () => {
    const user = await t.user({ password });
    for (let n = 0; n < 40; n += 1) await wrong(at(`10.0.${n}.1`), user.username);
    expect(pauses.slice(0, 6)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000]);
    expect(Math.max(...pauses)).toBe(30_000);
    const answer = await at('192.0.2.7').post(login, { username: user.username, password });
    expect(answer.status).toBe(200);
  });

  test('are refused after five failures of one account from one address, whoever exists, and others are not', async () => {
    const user = await t.user({ password });
    for (const username of [user.username, `nobody-${unique()}`]) {
      const statuses = [];
      for (let n = 0; n < 7; n += 1) statuses.push((await wrong(at('10.1.1.1'), username)).status);
      expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
    }
    expect((await at('10.1.1.2').post(login, { username: user.username, password })).status).toBe(200);
  });

  test('slow nothing on a device that its user has logged in on, and use nothing of its budget up', async () => {
    const user = await t.user({ password });
    const first = await at('10.2.0.1').post(login, { username: user.username, password });
    const cookie = cookies(first);
    for (let n = 0; n < 12; n += 1) await wrong(at('10.2.0.1'), user.username);
    for (let n = 0; n < 12; n += 1) await wrong(at(`10.2.1.${n}`), user.username);
    pauses.length = 0;
    expect((await at('10.2.0.1').post(login, { username: user.username, password })).status).toBe(429);
    expect((await at('10.2.0.1', { cookie }).post(login, { username: user.username, password })).status).toBe(200);
    expect(pauses).toEqual([]);
  });

  test('have nothing of the cookie of another user, or of one that they made up', async () => {
    const [user, other] = [await t.user({ password }), await t.user({ password })];
    const cookie = cookies(await at('10.3.0.1').post(login, { username: other.username, password }));
    const [, device = ''] = /slipway_device=([^;]+)/.exec(cookie) ?? [];
    const forged = device.replace(String(other.id), String(user.id));
    for (const shown of [device, forged, `${user.id}.x.y`, `${user.id}`]) {
      await t.db.deleteFrom('rateEvents').execute();
      const client = at('10.3.0.2', { cookie: `slipway_device=${shown}` });
      for (let n = 0; n < 5; n += 1) await wrong(client, user.username);
      expect((await wrong(client, user.username)).status).toBe(429);
    }
  });

  test('a device has a budget too', async () => {
    const user = await t.user({ password });
    const cookie = cookies(await at('10.4.0.1').post(login, { username: user.username, password }));
    const statuses = [];
    for (let n = 0; n < 11; n += 1) statuses.push((await wrong(at('10.4.0.1', { cookie }), user.username)).status);
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429]);
  });

  test('who know the password use no codes of its owner up, and are bounded all together', async () => {
    const user = await t.user({ password });
    const { code } = await enrol(user);
    const ticketOf = async (client: TestClient): Promise<string> => {
      const { body } = await client.post<{ second_factor: { ticket: string } }>(login, {
        username: user.username,
        password,
      });
      return body.second_factor.ticket;
    };
    const owner = at('192.0.2.8');
    const first = await owner.post('/auth/login/second-factor/', { ticket: await ticketOf(owner), code: code() });
    const cookie = cookies(first);
    const ticket = await ticketOf(at('10.5.0.1'));
    const statuses = new Set<number>();
    for (let n = 0; n < 105; n += 1)
      statuses.add((await at(`10.5.${n}.1`).post('/auth/login/second-factor/', { ticket, code: '000000' })).status);
    expect(statuses).toEqual(new Set([401, 429]));
    const back = at('192.0.2.8', { cookie });
    expect((await back.post('/auth/login/second-factor/', { ticket: await ticketOf(back), code: code() })).status).toBe(
      200,
    );
  });
});

describe('limits of forgotten passwords, over several processes and whoever exists', () => {
  // A second process of the API on the same database.
  const processes = () => [t.app, createApp(t.deps, { answerCheck: 'refuse' })];
  const ask = async (n: number, email: string, peer = '10.1.1.1'): Promise<Response> => {
    const app = processes()[n % 2] as TestApp['app'];
    const headers = { 'content-type': 'application/json' };
    const request = new Request(`http://slipway.example.com/users/actions/forget-password/`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ email }),
    });
    return app.fetch(request, { incoming: { socket: { remoteAddress: peer } } });
  };

  test.each([true, false])('3 an hour for a mailbox from one client (known: %s)', async (known) => {
    const email = known ? `${(await t.user()).username}@example.com` : `nobody-${unique()}@example.com`;
    const statuses = [];
    for (let n = 0; n < 5; n++) statuses.push((await ask(n, n % 2 ? email : email.toUpperCase(), '10.0.0.9')).status);
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    const refused = await ask(0, email, '10.0.0.9');
    expect((await ask(0, email, '10.0.0.8')).status).toBe(200);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_000);
    expect(await refused.json()).toMatchObject({ error_code: 10006 });
  });

  test('10 an hour for a client address', async () => {
    const statuses = await Promise.all(
      Array.from({ length: 14 }, async (_, n) => (await ask(n, `n${n}-${unique()}@example.com`)).status),
    );
    expect(statuses.sort()).toEqual([...Array.from({ length: 10 }, () => 200), 429, 429, 429, 429]);
    expect((await ask(0, `other-${unique()}@example.com`, '10.2.2.2')).status).toBe(200);
  });
});

describe('a session or token that somebody else has', () => {
  interface Token {
    id: number;
    value: string;
    expires_time: string;
  }
  const make = (client: TestClient, given: object = {}) =>
    client.post<Token>('/auth-tokens/', { name: unique(), ...given });

  test('makes no token without the password or a code, and names what to send', async () => {
    const user = await t.user({ password });
    expect(await make(user)).toMatchObject({
      status: 400,
      body: { details: [{ field: 'password', message: 'is needed, or a code of the second factor' }] },
    });
    expect((await make(user, { password: 'wrong' })).status).toBe(403);
    expect((await make(user, { password })).status).toBe(201);
    const { code } = await enrol(user);
    expect((await make(user, { code: code() })).status).toBe(201);
  });

  test('guesses neither: wrong ones count', async () => {
    const user = await t.user({ password });
    for (let n = 0; n < 5; n += 1) await make(user, { password: 'wrong' });
    expect((await make(user, { password })).status).toBe(429);
    for (let n = 0; n < 5; n += 1) await make(user, { code: '000000' });
    expect((await make(user, { code: '000000' })).status).toBe(429);
  });

  test('a token ends after 90 days if nothing is said, and after 366 at most', async () => {
    const user = await t.user({ password });
    const days = (n: number): string => new Date(now.getTime() + n * 86_400_000).toISOString();
    for (const expires_time of [undefined, null])
      expect((await make(user, { password, expires_time })).body.expires_time).toBe(days(90));
    expect((await make(user, { password, expires_time: days(366) })).body.expires_time).toBe(days(366));
    expect((await make(user, { password, expires_time: days(367) })).status).toBe(400);
  });

  const changes: [string, (user: TestUser, more: object) => Promise<{ status: number }>][] = [
    [
      'its owner changes the password',
      (user, more) =>
        user.post(`/users/${user.id}/actions/change-password/`, {
          original_password: password,
          new_password: 'a lasting password',
          ...more,
        }),
    ],
    [
      'an administrator sets the password',
      async (user, more) =>
        (await t.user({ admin: true })).post(`/users/${user.id}/actions/set-password/`, {
          new_password: 'a lasting password',
          ...more,
        }),
    ],
  ];
  test.each(changes)('is worth nothing any more when %s, unless that says otherwise', async (_name, change) => {
    for (const [more, works] of [
      [{}, false],
      [{ end_tokens: false }, true],
    ] as const) {
      const user = await t.user({ password });
      const stolen = t.client({ authorization: `Token ${(await make(user, { password })).body.value}` });
      expect((await change(user, more)).status).toBe(200);
      expect((await stolen.get('/auth/me/')).status !== 401).toBe(works);
    }
  });
});

test('an unknown name is in no record, table or log, and is still distinguished from others', async () => {
  const typed = `Correct-Horse-${unique()}`;
  for (const username of [typed, typed, `other-${unique()}`]) await t.anonymous.post(login, { username, password });
  const rows = [
    ...(await t.db.selectFrom('auditRecords').selectAll().execute()),
    ...(await t.db.selectFrom('auditRefusals').selectAll().execute()),
    ...(await t.db.selectFrom('rateEvents').selectAll().execute()),
  ];
  expect(JSON.stringify([rows, t.log]).toLowerCase()).not.toContain(typed.toLowerCase());
  const names = await t.db
    .selectFrom('auditRecords')
    .where('opType', '=', 'login_failed')
    .where('targetId', 'is', null)
    .select('targetName')
    .orderBy('id', 'desc')
    .limit(3)
    .execute();
  expect(new Set(names.map(({ targetName }) => targetName)).size).toBe(2);
});

describe('over https', () => {
  test('cookies are ones that no other host can set, and others are not read', async () => {
    const config = parseConfig({ SLIPWAY_PUBLIC_URL: 'https://slipway.example.com' });
    const secure = clientOf(createApp({ ...t.deps, config }, { answerCheck: 'refuse' }), {});
    const user = await t.user({ password });
    const answer = await secure.post(login, { username: user.username, password });
    const cookie = cookies(answer);
    expect(cookie).toMatch(/^__Host-slipway_session=[\w-]{43}; __Host-slipway_device=[\w.]+$/);
    expect((await secure.get('/auth/me/', { cookie })).status).toBe(200);
    expect((await secure.get('/auth/me/', { cookie: cookie.replaceAll('__Host-', '') })).status).toBe(401);
  });
});

test('every operation answers with a policy that runs nothing, and without guessing of types', async () => {
  for (const one of endpoints.filter(({ method }) => method === 'GET')) {
    const { headers } = await t.anonymous.get(one.path.replaceAll(/\{\w+\}/g, '1'));
    expect([one.id, headers.get('content-security-policy'), headers.get('x-content-type-options')]).toEqual([
      one.id,
      "default-src 'none'; frame-ancestors 'none'",
      'nosniff',
    ]);
  }
});
