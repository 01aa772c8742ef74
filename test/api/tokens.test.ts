import { createToken } from '../../db/access/tokens.ts';
import { unique } from '../support/harness.ts';
import { testApp, type TestApp } from '../support/api/app.ts';

let t: TestApp;
let now = new Date();
beforeAll(async () => {
  t = await testApp({ now: () => now });
});
afterAll(() => t.close());

const password = 'correct horse battery';

interface Token {
  id: number;
  value: string;
}

test('a value is shown once, stored hashed, and known by its last four digits afterwards', async () => {
  const user = await t.user({ password });
  const made = await user.post<Token>('/auth-tokens/', { name: 'ci', description: 'builds', password });
  expect(made).toMatchObject({ status: 201, body: { name: 'ci', description: 'builds' } });
  expect(made.body.value).toMatch(/^[0-9a-f]{40}$/);
  const later = await user.get<Token>(`/auth-tokens/${made.body.id}/`);
  expect(later.body.value).toBe(`****${made.body.value.slice(-4)}`);
  const rows = await t.db.selectFrom('authTokens').selectAll().execute();
  expect(JSON.stringify(rows)).not.toContain(made.body.value);
  const records = await t.db.selectFrom('auditRecords').selectAll().execute();
  expect(JSON.stringify(records)).not.toContain(made.body.value);
  expect((await t.client({ authorization: `Bearer ${made.body.value}` }).get('/auth/me/')).status).toBe(200);
});

test('the value filter finds a token by its whole value alone', async () => {
  const user = await t.user();
  const count = async (value: string) => (await user.get<{ count: number }>(`/auth-tokens/?value=${value}`)).body.count;
  expect([await count(user.token), await count(user.token.slice(0, 39)), await count(user.token.slice(-4))]).toEqual([
    1, 0, 0,
  ]);
});

test("others' tokens are not found, but for administrators", async () => {
  const owner = await t.user({ password });
  const { body } = await owner.post<Token>('/auth-tokens/', { name: 'mine', password });
  const path = `/auth-tokens/${body.id}/`;
  const other = await t.user();
  for (const answer of [await other.get(path), await other.patch(path, { name: 'x' }), await other.delete(path)])
    expect(answer.status).toBe(404);
  const admin = await t.user({ admin: true });
  expect((await admin.get<{ count: number }>(`/auth-tokens/?creator=${owner.username}`)).body.count).toBe(2);
  expect((await admin.delete(path)).status).toBe(200);
});

test('a deleted or expired token is refused at once', async () => {
  const user = await t.user({ password });
  const make = async (body: object) =>
    (await user.post<Token>('/auth-tokens/', { name: unique(), password, ...body })).body;
  const gone = await make({});
  await user.delete(`/auth-tokens/${gone.id}/`);
  expect((await t.client({ authorization: `Token ${gone.value}` }).get('/auth/me/')).status).toBe(401);
  const begin = now;
  const short = await make({ expires_time: new Date(begin.getTime() + 60_000).toISOString() });
  const by = t.client({ authorization: `Token ${short.value}` });
  expect((await by.get('/auth/me/')).status).toBe(200);
  const heir = await by.post<Token & { expires_time: string }>('/auth-tokens/', { name: unique(), password });
  expect(heir.body.expires_time).toBe(new Date(begin.getTime() + 60_000).toISOString());
  now = new Date(begin.getTime() + 60_000);
  expect((await by.get('/auth/me/')).status).toBe(401);
  now = begin;
});

test('names are unique per user, and a user has at most 100 tokens, even with concurrent creations', async () => {
  const user = await t.user({ password });
  expect((await user.post('/auth-tokens/', { name: 'test', password })).status).toBe(409);
  for (let n = 0; n < 97; n += 1)
    await createToken(t.db, { userId: user.id, name: `n${n}`, description: '', expiresTime: null });
  const last = await Promise.all(
    Array.from({ length: 5 }, (_one, n) => user.post('/auth-tokens/', { name: `last${n}`, password })),
  );
  expect(last.filter((answer) => answer.status === 201)).toHaveLength(2);
  expect(last.filter((answer) => answer.status === 409)).toHaveLength(3);
});

test.each(['Token nonsense', 'Basic dXNlcjpwYXNz', `Token ${'0'.repeat(40)}`, 'Token'])(
  'the header "%s" is refused, also together with other credentials',
  async (authorization) => {
    expect((await t.client({ authorization, cookie: 'slipway_session=x' }).get('/auth/me/')).status).toBe(401);
  },
);
