// The second factor: how it is set up, what a login asks for then, and that no code counts twice. The clock is the test's.
import { TOTP, Secret } from 'otpauth';
import { parseConfig } from '../../kit/config/config.ts';
import { createApp } from '../../api/app.ts';
import {
  clientOf,
  testApp,
  type ApiResponse,
  type TestClient,
  type TestApp,
  type TestUser,
} from '../support/api/app.ts';

let t: TestApp;
let now = new Date('2026-03-01T10:00:10Z');
beforeAll(async () => {
  t = await testApp({ now: () => now });
});
afterAll(() => t.close());

const password = 'correct horse battery';
const wait = (seconds: number): void => void (now = new Date(now.getTime() + seconds * 1000));

/** What an authenticator shows at this moment. */
const shown = (secret: string): string =>
  new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: now.getTime() });
const wrongFor = (secret: string): string => {
  const around = [-30, 0, 30].map((s) =>
    new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: now.getTime() + s * 1000 }),
  );
  return ['000000', '111111', '222222', '333333'].find((code) => !around.includes(code)) ?? '';
};

interface Waiting {
  second_factor: { ticket: string; expires_time: string };
}
interface LoggedIn {
  csrf_token: string;
  must_change_password: boolean;
}

const browserOf = ({ headers, body }: ApiResponse<LoggedIn>, app: TestApp = t): TestClient =>
  app.client({ cookie: (headers.get('set-cookie') ?? '').split(';')[0] ?? '', 'x-csrf-token': body.csrf_token });

const isIn = async (browser: TestClient): Promise<boolean> => (await browser.get('/auth/me/')).status === 200;

async function begin(username: string, app: TestApp = t): Promise<string> {
  const { status, body, headers } = await app.anonymous.post<Waiting>('/auth/login/', { username, password });
  expect([status, headers.get('set-cookie')]).toEqual([200, null]);
  return body.second_factor.ticket;
}

const goOn = (ticket: string, code: string, app: TestApp = t) =>
  app.anonymous.post<LoggedIn>('/auth/login/second-factor/', { ticket, code });

interface Enrolled {
  user: TestUser;
  secret: string;
  codes: string[];
}

async function enrolled(grants: { admin?: boolean } = {}, app: TestApp = t): Promise<Enrolled> {
  const user = await app.user({ password, ...grants });
  const begun = await user.post<{ secret: string }>('/auth/second-factor/', { password });
  expect(begun.status).toBe(201);
  const { secret } = begun.body;
  const code = { code: shown(secret) };
  const confirmed = await user.post<{ recovery_codes: string[] }>('/auth/second-factor/actions/confirm/', code);
  expect(confirmed.status).toBe(200);
  wait(60);
  return { user, secret, codes: confirmed.body.recovery_codes };
}

describe('a second factor is set up', () => {
  test('with password and code; the secret is shown once, as text and as an address for authenticators', async () => {
    const user = await t.user({ password });
    expect((await user.post('/auth/second-factor/', { password: 'wrong wrong wrong' })).status).toBe(403);
    const begun = await user.post<{ secret: string; uri: string }>('/auth/second-factor/', { password });
    expect(begun.body.secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(begun.body.uri).toBe(
      `otpauth://totp/Slipway:${user.username}?issuer=Slipway&secret=${begun.body.secret}&algorithm=SHA1&digits=6&period=30`,
    );
    const login = await t.anonymous.post('/auth/login/', { username: user.username, password });
    expect(login.body).toMatchObject({ must_change_password: false });
    const confirm = (code: string) => user.post('/auth/second-factor/actions/confirm/', { code });
    const wrong = await confirm(wrongFor(begun.body.secret));
    expect(wrong).toMatchObject({ status: 400, body: { details: [{ field: 'code' }] } });
    expect((await confirm(shown(begun.body.secret))).status).toBe(200);
    expect((await confirm(shown(begun.body.secret))).status).toBe(409);
    expect((await user.post('/auth/second-factor/', { password })).status).toBe(409);
    expect((await user.get('/auth/second-factor/')).body).toEqual({
      enabled: true,
      due: false,
      recovery_codes_left: 10,
      confirmed_time: now.toISOString(),
    });
    await begin(user.username);
  });

  test('one that was never confirmed is replaced by the next', async () => {
    const user = await t.user({ password });
    const ask = async () => (await user.post<{ secret: string }>('/auth/second-factor/', { password })).body.secret;
    const [first, second] = [await ask(), await ask()];
    expect(first).not.toBe(second);
    const confirm = (secret: string) => user.post('/auth/second-factor/actions/confirm/', { code: shown(secret) });
    expect([(await confirm(first)).status, (await confirm(second)).status]).toEqual([400, 200]);
    const nobody = await t.user({ password });
    expect((await nobody.post('/auth/second-factor/actions/confirm/', { code: '123456' })).status).toBe(409);
  });

  test('which ends sessions elsewhere, begun with the password alone', async () => {
    const user = await t.user({ password });
    const logIn = async () =>
      browserOf(await t.anonymous.post<LoggedIn>('/auth/login/', { username: user.username, password }));
    const [here, there] = [await logIn(), await logIn()];
    const { body } = await here.post<{ secret: string }>('/auth/second-factor/', { password });
    await here.post('/auth/second-factor/actions/confirm/', { code: shown(body.secret) });
    expect([await isIn(here), await isIn(there)]).toEqual([true, false]);
  });
});

describe('a login with a second factor', () => {
  test('gives a ticket for the password, and a session for the code', async () => {
    const { user, secret } = await enrolled();
    const ticket = await begin(user.username);
    const answer = await goOn(ticket, shown(secret));
    expect(answer).toMatchObject({ status: 200, body: { user: { id: user.id }, must_change_password: false } });
    expect(await isIn(browserOf(answer))).toBe(true);
    expect((await goOn(ticket, shown(secret))).status).toBe(401);
    const records = await t.db.selectFrom('auditRecords').where('targetId', '=', user.id).select('opType').execute();
    const types = records.map(({ opType }) => opType);
    expect(types).toEqual(
      expect.arrayContaining(['second_factor_begun', 'second_factor_enabled', 'login_begun', 'login']),
    );
  });

  test('takes no code a second time, nor an older one, not even of two that come at once', async () => {
    const { user, secret } = await enrolled();
    const code = shown(secret);
    const tickets = await Promise.all(Array.from({ length: 4 }, () => begin(user.username)));
    const answers = await Promise.all(tickets.map((ticket) => goOn(ticket, code)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401]);
    wait(30);
    expect((await goOn(await begin(user.username), code)).status).toBe(401);
    expect((await goOn(await begin(user.username), shown(secret))).status).toBe(200);
  });

  test.each([
    ['its own 30 seconds and no longer', '0', { [-30]: 401, 0: 200, 30: 401 }],
    ['a step more on each side where clocks may differ', '1', { [-60]: 401, [-30]: 200, 30: 200, 60: 401 }],
  ])('takes a code for %s', async (_, drift, expected) => {
    const app = await testApp({ now: () => now, config: parseConfig({ SLIPWAY_SECOND_FACTOR_DRIFT: drift }) });
    for (const [seconds, status] of Object.entries(expected)) {
      const { user, secret } = await enrolled({}, app);
      const timestamp = now.getTime() + Number(seconds) * 1000;
      const code = new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp });
      const ticket = await begin(user.username, app);
      expect([seconds, (await goOn(ticket, code, app)).status]).toEqual([seconds, status]);
      wait(120);
    }
    await app.close();
  });

  test('ends its wait after five minutes, and when the user is disabled or their password is set', async () => {
    const { user, secret } = await enrolled();
    const admin = await t.user({ admin: true });
    const late = await begin(user.username);
    wait(300);
    expect(await goOn(late, shown(secret))).toMatchObject({ status: 401, body: { error_code: 10002 } });
    const before = await begin(user.username);
    await admin.post(`/users/${user.id}/actions/set-password/`, { new_password: 'a passing password' });
    expect((await goOn(before, shown(secret))).status).toBe(401);
    const { user: other, secret: others } = await enrolled();
    const ticket = await begin(other.username);
    await admin.post(`/users/${other.id}/actions/disable/`);
    await admin.post(`/users/${other.id}/actions/enable/`);
    expect((await goOn(ticket, shown(others))).status).toBe(401);
  });

  test('is closed after five wrong codes, whatever the ticket and the process, right code included', async () => {
    const { user, secret } = await enrolled();
    const database = t.database.connect(5);
    const second = createApp({ ...t.deps, db: database });
    const elsewhere = clientOf(second, {});
    const tickets: string[] = [];
    for (let n = 0; n < 8; n += 1) tickets.push(await begin(user.username));
    const answers = await Promise.all(
      tickets.map((ticket, n) =>
        (n % 2 === 0 ? t.anonymous : elsewhere).post('/auth/login/second-factor/', { ticket, code: wrongFor(secret) }),
      ),
    );
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5);
    const refused = await goOn(tickets[0] ?? '', shown(secret));
    expect(refused).toMatchObject({ status: 429, body: { error_code: 10006 } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    const failed = await t.db
      .selectFrom('auditRecords')
      .where('opType', '=', 'login_failed')
      .select('targetId')
      .execute();
    expect(failed.filter(({ targetId }) => targetId === user.id)).toHaveLength(5);
  });

  test('wrong codes before a right one do not count', async () => {
    const { user, secret } = await enrolled();
    for (let n = 0; n < 2; n += 1) {
      for (let m = 0; m < 3; m += 1)
        expect((await goOn(await begin(user.username), wrongFor(secret))).status).toBe(401);
      expect((await goOn(await begin(user.username), shown(secret))).status).toBe(200);
      wait(30);
    }
  });

  test('is still asked for after a password was set by a mailed link or an administrator', async () => {
    const { user } = await enrolled();
    const admin = await t.user({ admin: true });
    await admin.post(`/users/${user.id}/actions/set-password/`, { new_password: 'a passing password' });
    const login = { username: user.username, password: 'a passing password' };
    expect((await t.anonymous.post('/auth/login/', login)).body).toHaveProperty('second_factor.ticket');
  });
});

describe('recovery codes', () => {
  test('are ten of 120 bits, each good for one login without the generator', async () => {
    const { user, codes } = await enrolled();
    expect(new Set(codes).size).toBe(10);
    for (const code of codes) expect(code).toMatch(/^(?:[a-km-z2-9]{4}-){5}[a-km-z2-9]{4}$/);
    const [first = '', second = ''] = codes;
    expect((await goOn(await begin(user.username), first)).status).toBe(200);
    expect((await goOn(await begin(user.username), first)).status).toBe(401);
    expect((await goOn(await begin(user.username), ` ${second.toUpperCase()} `)).status).toBe(200);
    expect((await user.get('/auth/second-factor/')).body).toMatchObject({ recovery_codes_left: 8 });
    expect((await goOn(await begin((await enrolled()).user.username), codes[2] ?? '')).status).toBe(401);
  });

  test('are replaced with password and code; the older ones are void', async () => {
    const { user, secret, codes } = await enrolled();
    const renew = (code: string, given = password) =>
      user.post<{ recovery_codes: string[] }>('/auth/second-factor/actions/renew-recovery-codes/', {
        password: given,
        code,
      });
    expect((await renew(shown(secret), 'wrong wrong wrong')).status).toBe(403);
    expect((await renew(wrongFor(secret))).status).toBe(403);
    const renewed = await renew(shown(secret));
    expect(renewed.body.recovery_codes).toHaveLength(10);
    expect((await goOn(await begin(user.username), codes[0] ?? '')).status).toBe(401);
    expect((await goOn(await begin(user.username), renewed.body.recovery_codes[0] ?? '')).status).toBe(200);
    expect(
      (
        await (
          await t.user({ password })
        ).post('/auth/second-factor/actions/renew-recovery-codes/', { password, code: '123456' })
      ).status,
    ).toBe(409);
  });
});

describe('a second factor ends', () => {
  test('when its user removes it with password and code', async () => {
    const { user, secret } = await enrolled();
    const elsewhere = browserOf(await goOn(await begin(user.username), shown(secret)));
    wait(30);
    const remove = (code: string) => user.delete('/auth/second-factor/', { password, code });
    expect((await remove(wrongFor(secret))).status).toBe(403);
    expect((await remove(shown(secret))).status).toBe(200);
    expect(await isIn(elsewhere)).toBe(false);
    expect((await t.anonymous.post('/auth/login/', { username: user.username, password })).body).toHaveProperty(
      'csrf_token',
    );
    expect((await remove(shown(secret))).status).toBe(409);
  });

  test("when an administrator resets it for another user, which ends that user's sessions; not for themselves", async () => {
    const { user, secret, codes } = await enrolled();
    const session = browserOf(await goOn(await begin(user.username), shown(secret)));
    const waiting = await begin(user.username);
    const { user: admin } = await enrolled({ admin: true });
    const path = (id: number) => `/users/${id}/actions/reset-second-factor/`;
    expect((await user.post(path(admin.id))).status).toBe(403);
    expect((await admin.post(path(admin.id))).status).toBe(403);
    expect((await admin.post(path(user.id))).status).toBe(200);
    expect(await isIn(session)).toBe(false);
    expect((await goOn(waiting, codes[0] ?? '')).status).toBe(401);
    expect((await t.anonymous.post('/auth/login/', { username: user.username, password })).body).toHaveProperty(
      'csrf_token',
    );
    const record = await t.db
      .selectFrom('auditRecords')
      .where('opType', '=', 'second_factor_reset')
      .where('outcome', '=', 'success')
      .selectAll()
      .execute();
    expect(record).toMatchObject([{ targetId: user.id, operator: admin.username }]);
    expect((await admin.post(path(user.id))).status).toBe(200);
  });
});

describe('where a second factor is asked for', () => {
  test.each([
    ['administrators', true, true],
    ['administrators', false, false],
    ['everybody', false, true],
    ['optional', true, false],
  ])('of %s, a user without one (administrator: %s) can only set it up: %s', async (whom, admin, due) => {
    const app = await testApp({ now: () => now, config: parseConfig({ SLIPWAY_SECOND_FACTOR: whom }) });
    const user = await app.user({ password, admin });
    const login = await app.anonymous.post<LoggedIn>('/auth/login/', { username: user.username, password });
    expect('second_factor_due' in login.body).toBe(due);
    const browser = browserOf(login, app);
    for (const one of [browser, user])
      expect(await one.get('/roles/')).toMatchObject(
        due ? { status: 403, body: { message: 'not allowed: set up a second factor first' } } : { status: 200 },
      );
    expect((await browser.get('/auth/me/')).body).toMatchObject({ second_factor_due: due });
    const { body } = await browser.post<{ secret: string }>('/auth/second-factor/', { password });
    const confirmed = await browser.post('/auth/second-factor/actions/confirm/', { code: shown(body.secret) });
    expect(confirmed.status).toBe(200);
    for (const one of [browser, user]) expect((await one.get('/roles/')).status).toBe(200);
    await app.close();
  });
});

test('neither secret nor code nor ticket is in any table, record or log', async () => {
  const { user, secret, codes } = await enrolled();
  const ticket = await begin(user.username);
  const code = shown(secret);
  await goOn(ticket, wrongFor(secret));
  expect((await goOn(ticket, code)).status).toBe(200);
  const tables = await Promise.all([
    ...(['secondFactors', 'recoveryCodes', 'pendingLogins', 'auditRecords', 'idempotencyKeys'] as const).map((table) =>
      t.db.selectFrom(table).selectAll().execute(),
    ),
  ]);
  const everything = JSON.stringify([tables, t.log]);
  for (const told of [secret, ticket, ...codes]) expect(everything).not.toContain(told);
  expect(JSON.stringify([tables[3], t.log])).not.toContain(`"${code}"`);
});
