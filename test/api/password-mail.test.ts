// Forgotten passwords and invitations, with a real mail server, the real outbox and its relay.
import { sql } from 'kysely';
import pg from 'pg';
import { createApp } from '../../api/app.ts';
import { emailChangeHandler, emailChangeTopic } from '../../api/background/mail/email-changes.ts';
import { passwordLinkHandler, passwordLinkTopic } from '../../api/background/mail/password-links.ts';
import { createSendMail } from '../../api/background/mail/send.ts';
import { createListener, type Listener } from '../../db/coordination/listen.ts';
import { relay } from '../../db/coordination/outbox-relay.ts';
import { parseConfig } from '../../kit/config/config.ts';
import { eventually, unique } from '../support/harness.ts';
import { testApp, type TestApp, type TestUser } from '../support/api/app.ts';
import { startMailServer, type MailServer, type ReceivedMail } from '../support/api/mail-server.ts';

const forget = '/users/actions/forget-password/';
const reset = '/users/actions/reset-password/';
const confirm = '/users/actions/confirm-email/';
const old = 'an old long secret';

let mail: MailServer;
let t: TestApp;
let listen: Listener;
let running: { stop(): Promise<void> };
let clock = 0;
const now = (): Date => new Date(Date.now() + clock);

beforeAll(async () => {
  mail = await startMailServer();
  const config = parseConfig({
    SLIPWAY_SMTP_URL: mail.url,
    SLIPWAY_SMTP_FROM: 'slipway@example.com',
    SLIPWAY_PUBLIC_URL: 'https://slipway.example.com/',
  });
  t = await testApp({ config, now });
  listen = createListener(t.database.url, t.deps.log);
  running = startRelay();
});
afterAll(async () => {
  await running.stop();
  await listen.close();
  await mail.close();
  await t.close();
});
function startRelay() {
  const deps = { ...t.deps, send: createSendMail(t.deps.config) };
  const handlers = { [passwordLinkTopic]: passwordLinkHandler(deps), [emailChangeTopic]: emailChangeHandler(deps) };
  return relay({ db: t.db, listen, log: t.deps.log, pollMs: 50, handlers });
}
beforeEach(async () => {
  clock = 0;
  await t.db.deleteFrom('rateEvents').execute();
});

const emailOf = (user: Pick<TestUser, 'username'>): string => `${user.username}@example.com`;
const user = () => t.user({ password: old });
const done = async () => eventually(async () => (await t.db.selectFrom('outbox').select('id').execute()).length === 0);
const mailsTo = (email: string): ReceivedMail[] => mail.mails.filter(({ to }) => to.includes(email));
const tokenIn = ({ text }: ReceivedMail): string =>
  /^https:\/\/slipway\.example\.com\/ui\/reset-password#token=([\w-]{43})$/m.exec(text.replaceAll('\r', ''))?.[1] ?? '';

async function linkOf(one: TestUser): Promise<string> {
  const before = mailsTo(emailOf(one)).length;
  expect(await t.anonymous.post(forget, { email: emailOf(one) })).toMatchObject({ status: 200 });
  await eventually(() => mailsTo(emailOf(one)).length > before);
  await done();
  return tokenIn(mailsTo(emailOf(one)).at(-1) as ReceivedMail);
}
/** The token of the link that was mailed to confirm an address. */
async function confirmationTo(email: string): Promise<string> {
  const [mail] = await eventually(() => {
    const found = mailsTo(email).filter(({ text }) => text.includes('/ui/confirm-email#'));
    return found.length > 0 && found;
  });
  await done();
  return /\/ui\/confirm-email#token=([\w-]{43})/.exec(mail?.text ?? '')?.[1] ?? '';
}
const mayLogIn = async (one: TestUser, password: string): Promise<boolean> =>
  (await t.anonymous.post('/auth/login/', { username: one.username, password })).status === 200;
const invalidLink = { status: 400, body: { error_code: 10001, message: 'link invalid or expired' } };

test('a forgotten password is set again by the mailed link, which works once', async () => {
  const one = await user();
  const token = await linkOf(one);
  const wanted = { token, new_password: 'a new long secret' };
  expect(await t.anonymous.post(reset, wanted)).toMatchObject({ status: 200, body: { message: 'success' } });
  expect(await mayLogIn(one, wanted.new_password)).toBe(true);
  expect(await mayLogIn(one, old)).toBe(false);
  expect(await t.anonymous.post(reset, { token, new_password: 'yet another secret' })).toMatchObject(invalidLink);
  expect(await t.anonymous.post(reset, { token, new_password: 'x' }, { 'accept-language': 'zh' })).toMatchObject({
    body: { message: '链接无效或已过期' },
  });
});

test('the mail says for whom it is and how long the link works, in the language of the request', async () => {
  const one = await user();
  await linkOf(one);
  const [english] = mailsTo(emailOf(one));
  expect(english?.headers).toMatch(/^From: Slipway <slipway@example\.com>$/m);
  expect(english?.headers).toMatch(/^Subject: Slipway: a new password$/m);
  expect(english?.text).toContain(`user ${one.username}`);
  expect(english?.text).toContain('30 minutes');
  await t.anonymous.post(forget, { email: emailOf(one).toUpperCase() }, { 'accept-language': 'zh-CN' });
  await eventually(() => mailsTo(emailOf(one)).length === 2);
  expect(mailsTo(emailOf(one))[1]?.text).toContain('30 分钟');
});

test('a newer link voids the older one', async () => {
  const one = await user();
  const [first, second] = [await linkOf(one), await linkOf(one)];
  expect(first).not.toBe(second);
  expect(await t.anonymous.post(reset, { token: first, new_password: 'a new long secret' })).toMatchObject(invalidLink);
  expect((await t.anonymous.post(reset, { token: second, new_password: 'a new long secret' })).status).toBe(200);
});

test('a link works for 30 minutes and not longer', async () => {
  const one = await user();
  const token = await linkOf(one);
  clock = 30 * 60_000;
  expect(await t.anonymous.post(reset, { token, new_password: 'a new long secret' })).toMatchObject(invalidLink);
  clock = 29 * 60_000;
  expect((await t.anonymous.post(reset, { token, new_password: 'a new long secret' })).status).toBe(200);
});

test('of many who use a link at once one succeeds', async () => {
  const one = await user();
  const token = await linkOf(one);
  const answers = await Promise.all(
    Array.from({ length: 5 }, (_, n) => t.anonymous.post(reset, { token, new_password: `a new long secret ${n}` })),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400, 400]);
});

test('a weak password is refused and does not use up the link', async () => {
  const one = await user();
  const token = await linkOf(one);
  for (const weak of ['short', one.username, old, 'a'.repeat(129)]) {
    const answer = await t.anonymous.post(reset, { token, new_password: weak });
    expect(answer).toMatchObject({ status: 400, body: { error_code: 10001, message: 'password too weak' } });
  }
  expect((await t.anonymous.post(reset, { token, new_password: 'a new long secret' })).status).toBe(200);
});

test('a reset ends all sessions, and auth tokens only when that is asked for', async () => {
  const one = await user();
  const login = await t.anonymous.post('/auth/login/', { username: one.username, password: old });
  const session = t.client({ cookie: (login.headers.get('set-cookie') ?? '').split(';')[0] ?? '' });
  expect((await session.get('/auth/me/')).status).toBe(200);
  await t.anonymous.post(reset, { token: await linkOf(one), new_password: 'a new long secret', end_tokens: false });
  expect((await session.get('/auth/me/')).status).toBe(401);
  expect((await one.get('/auth/me/')).status).toBe(200);
  const wanted = { token: await linkOf(one), new_password: 'a newer long secret' };
  expect((await t.anonymous.post(reset, wanted, { 'x-request-id': `revoke-${one.id}` })).status).toBe(200);
  expect((await one.get('/auth/me/')).status).toBe(401);
  const records = t.db.selectFrom('auditRecords').where('requestId', '=', `revoke-${one.id}`).orderBy('id');
  expect(await records.select(['operator', 'opType', 'targetType', 'targetName']).execute()).toEqual([
    { operator: 'anonymous', opType: 'password_reset', targetType: 'user', targetName: one.username },
    { operator: 'anonymous', opType: 'delete', targetType: 'token', targetName: 'test' },
  ]);
});

test('a reset readmits a user who was locked out by failed logins', async () => {
  const one = await user();
  for (let n = 0; n < 6; n++) await mayLogIn(one, 'wrong');
  expect(await mayLogIn(one, old)).toBe(false);
  await t.anonymous.post(reset, { token: await linkOf(one), new_password: 'a new long secret' });
  expect(await mayLogIn(one, 'a new long secret')).toBe(true);
});

test('a changed password, a changed address and a disabled user void the link', async () => {
  const admin = await t.user({ admin: true });
  const acts: ((one: TestUser) => Promise<{ status: number }>)[] = [
    (one) => admin.post(`/users/${one.id}/actions/set-password/`, { new_password: 'set by an admin' }),
    (one) =>
      one.post(`/users/${one.id}/actions/change-password/`, { original_password: old, new_password: 'changed by me' }),
    async (one) => {
      const email = `new-${emailOf(one)}`;
      await admin.patch(`/users/${one.id}/`, { email });
      return t.anonymous.post(confirm, { token: await confirmationTo(email) });
    },
    (one) => admin.post(`/users/${one.id}/actions/disable/`),
  ];
  for (const act of acts) {
    const one = await user();
    const token = await linkOf(one);
    expect((await act(one)).status).toBe(200);
    expect(await t.anonymous.post(reset, { token, new_password: 'a new long secret' })).toMatchObject(invalidLink);
  }
});

test('by id a link is mailed only when the address is that user’s', async () => {
  const [one, other] = [await user(), await user()];
  const path = `/users/${one.id}/actions/forget-password/`;
  const success = { status: 200, body: { message: 'success' } };
  expect(await t.anonymous.post(path, { email: emailOf(other) })).toMatchObject(success);
  expect(await t.anonymous.post('/users/999999/actions/forget-password/', { email: emailOf(one) })).toMatchObject(
    success,
  );
  await done();
  expect(mail.mails.flatMap(({ to }) => to)).not.toContain(emailOf(other));
  expect(mailsTo(emailOf(one))).toEqual([]);
  expect(await t.anonymous.post(path, { email: emailOf(one) })).toMatchObject(success);
  await eventually(() => mailsTo(emailOf(one)).length === 1);
});

test('answer, statements and record are the same whether a user exists, is disabled, or is unknown', async () => {
  const [known, disabled] = [await user(), await user()];
  await t.db.updateTable('users').set({ status: 'disabled' }).where('id', '=', disabled.id).execute();
  await running.stop();
  const statements = jest.spyOn(pg.Client.prototype, 'query');
  const seen = [];
  for (const email of [emailOf(known), emailOf(disabled), `nobody-${unique()}@example.com`]) {
    const before = statements.mock.calls.length;
    const { status, body } = await t.anonymous.post(forget, { email });
    seen.push({ status, body, statements: statements.mock.calls.length - before });
  }
  statements.mockRestore();
  expect(new Set(seen.map((one) => JSON.stringify(one))).size).toBe(1);
  const records = t.db.selectFrom('auditRecords').where('opType', '=', 'password_forgotten').orderBy('id', 'desc');
  expect(await records.select(['operator', 'outcome', 'targetId']).limit(3).execute()).toEqual(
    Array.from({ length: 3 }, () => ({ operator: 'anonymous', outcome: 'success', targetId: null })),
  );
  running = startRelay();
  await done();
  expect(mailsTo(emailOf(disabled))).toEqual([]);
  expect(mailsTo(emailOf(known))).toHaveLength(1);
});

test('no table, record or log ever holds a link’s token', async () => {
  const one = await user();
  await running.stop();
  await t.anonymous.post(forget, { email: emailOf(one) });
  const [row] = await t.db.selectFrom('outbox').select('payload').execute();
  expect(Object.keys(row?.payload ?? {}).sort()).toEqual(['email', 'kind', 'language', 'time']);
  running = startRelay();
  await eventually(() => mailsTo(emailOf(one)).length === 1);
  await done();
  const token = tokenIn(mailsTo(emailOf(one))[0] as ReceivedMail);
  expect(token).toHaveLength(43);
  const { rows: tables } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables where table_schema = 'public'`.execute(t.db);
  for (const { name } of tables) {
    const { rows } = await sql`select 1 from ${sql.table(name)} as x where x::text like ${`%${token}%`}`.execute(t.db);
    expect({ name, found: rows.length }).toEqual({ name, found: 0 });
  }
  await t.anonymous.post(reset, { token, new_password: 'a new long secret' });
  expect(JSON.stringify(t.log)).not.toContain(token);
});

describe('a new address', () => {
  const email = (): string => `${unique()}@example.com`;
  test('counts once its mailed link is followed, which works once, and the old address is notified', async () => {
    const admin = await t.user({ admin: true });
    const one = await user();
    const wanted = email();
    const path = `/users/${one.id}/`;
    expect(await admin.patch(path, { email: wanted })).toMatchObject({
      status: 200,
      body: { email: emailOf(one), pending_email: wanted },
    });
    const token = await confirmationTo(wanted);
    expect((await admin.get(path)).body['email']).toBe(emailOf(one));
    const told = mailsTo(emailOf(one)).at(-1);
    expect(told?.text).toContain(admin.username);
    expect(told?.text).toContain(wanted);
    expect(told?.text).not.toContain(token);
    expect(await t.anonymous.post(confirm, { token: `${token.slice(0, -1)}_` })).toMatchObject(invalidLink);
    expect((await t.anonymous.post(confirm, { token })).status).toBe(200);
    expect((await admin.get(path)).body['email']).toBe(wanted);
    expect(await t.anonymous.post(confirm, { token })).toMatchObject(invalidLink);
  });

  test('is void after a day, when another is wanted, and when the user is disabled', async () => {
    const admin = await t.user({ admin: true });
    const ends: ((one: TestUser) => Promise<unknown>)[] = [
      () => Promise.resolve((clock = 24 * 3_600_000)),
      (one) => admin.patch(`/users/${one.id}/`, { email: email() }),
      (one) => admin.patch(`/users/${one.id}/`, { email: emailOf(one) }),
      (one) => admin.post(`/users/${one.id}/actions/disable/`),
    ];
    for (const end of ends) {
      const one = await user();
      const wanted = email();
      await admin.patch(`/users/${one.id}/`, { email: wanted });
      const token = await confirmationTo(wanted);
      await end(one);
      expect(await t.anonymous.post(confirm, { token })).toMatchObject(invalidLink);
      clock = 0;
    }
  });
});

test('a mailbox that many ask for gets no mail upon mail, and its last link works', async () => {
  const one = await user();
  const ask = (peer: string) =>
    t.app.fetch(
      new Request(`http://slipway.example.com${forget}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email: emailOf(one) }),
      }),
      { incoming: { socket: { remoteAddress: peer } } },
    );
  for (let n = 0; n < 8; n += 1) {
    expect((await ask(`10.9.0.${n}`)).status).toBe(200);
    await done();
  }
  const mails = mailsTo(emailOf(one));
  expect(mails).toHaveLength(3);
  const token = tokenIn(mails.at(-1) as ReceivedMail);
  expect((await t.anonymous.post(reset, { token, new_password: 'a new long secret' })).status).toBe(200);
});

describe('invitations', () => {
  const invite = async (part: object = {}) => {
    const admin = await t.user({ admin: true });
    const username = `inv${unique()}`;
    const { status, body } = await admin.post<{ id: number }>('/users/', {
      username,
      email: `${username}@example.com`,
      ...part,
    });
    expect(status).toBe(201);
    return { username, id: body.id };
  };

  test('a user without a password is invited by mail and sets their own within 72 hours', async () => {
    const { username } = await invite();
    await eventually(() => mailsTo(`${username}@example.com`).length === 1);
    const letter = mailsTo(`${username}@example.com`)[0] as ReceivedMail;
    expect(letter.text).toContain('72 hours');
    await done();
    clock = 72 * 3_600_000;
    const wanted = { token: tokenIn(letter), new_password: 'my first long secret' };
    expect(await t.anonymous.post(reset, wanted)).toMatchObject(invalidLink);
    clock = 71 * 3_600_000;
    expect((await t.anonymous.post(reset, wanted)).status).toBe(200);
    expect((await t.anonymous.post('/auth/login/', { username, password: wanted.new_password })).status).toBe(200);
  });

  test('a user who was made with a password gets no mail', async () => {
    const { username } = await invite({ password: 'given by the admin' });
    await done();
    expect(mailsTo(`${username}@example.com`)).toEqual([]);
  });

  test('without a mail server no mail is sent, and the response does not reveal it', async () => {
    const app = createApp({ ...t.deps, config: parseConfig({}) });
    const one = await user();
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ email: emailOf(one) });
    expect((await app.request(forget, { method: 'POST', headers, body })).status).toBe(200);
    await done();
    expect(mailsTo(emailOf(one))).toEqual([]);
  });
});

describe('a mail server that does not take a mail', () => {
  const makeDue = () =>
    t.db
      .updateTable('outbox')
      .set({ nextAttemptTime: sql`now() - interval '1 s'` })
      .execute();
  afterEach(() => mail.refuseWith(undefined));

  test('is asked again when it says “later”, and the mail then has a link that works', async () => {
    const one = await user();
    mail.refuseWith(451);
    const before = mail.attempts();
    await t.anonymous.post(forget, { email: emailOf(one) });
    await eventually(() => mail.attempts() > before);
    mail.refuseWith(undefined);
    await eventually(async () => {
      await makeDue();
      return mailsTo(emailOf(one)).length === 1;
    });
    const token = tokenIn(mailsTo(emailOf(one))[0] as ReceivedMail);
    await done();
    expect((await t.anonymous.post(reset, { token, new_password: 'a new long secret' })).status).toBe(200);
  });

  test('is not asked again when it says “never”, nor when the link would have run out', async () => {
    const one = await user();
    mail.refuseWith(550);
    await t.anonymous.post(forget, { email: emailOf(one) });
    await done();
    mail.refuseWith(451);
    const before = mail.attempts();
    await t.anonymous.post(forget, { email: emailOf(one) });
    await eventually(() => mail.attempts() > before);
    clock = 31 * 60_000;
    mail.refuseWith(undefined);
    await eventually(async () => {
      await makeDue();
      return (await t.db.selectFrom('outbox').select('id').execute()).length === 0;
    });
    expect(mailsTo(emailOf(one))).toEqual([]);
  });
});
