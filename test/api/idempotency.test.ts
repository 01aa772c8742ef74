import { testApp, type TestApp, type TestUser } from '../support/api/app.ts';
import { unique } from '../support/harness.ts';

const password = 'correct horse battery';
let t: TestApp;
let manager: TestUser;
beforeAll(async () => {
  t = await testApp();
  manager = await t.user({ admin: true, password });
});
afterAll(() => t.close());

const key = () => ({ 'idempotency-key': unique() });
const rolesNamed = (name: string) => t.db.selectFrom('roles').where('name', '=', name).selectAll().execute();

describe('an Idempotency-Key', () => {
  test('repeats the first response and has no second effect', async () => {
    const name = unique();
    const headers = key();
    const first = await manager.post('/roles/', { name }, headers);
    const second = await manager.post('/roles/', { name }, headers);
    expect(first.status).toBe(201);
    expect([second.status, second.body]).toEqual([201, first.body]);
    expect(await rolesNamed(name)).toHaveLength(1);
  });

  test('merges concurrent requests into one', async () => {
    const name = unique();
    const headers = key();
    const answers = await Promise.all(Array.from({ length: 8 }, () => manager.post('/roles/', { name }, headers)));
    expect(new Set(answers.map((answer) => JSON.stringify([answer.status, answer.body]))).size).toBe(1);
    expect(await rolesNamed(name)).toHaveLength(1);
  });

  test('with another body is refused with 10005', async () => {
    const headers = key();
    await manager.post('/roles/', { name: unique() }, headers);
    const other = await manager.post('/roles/', { name: unique() }, headers);
    expect(other).toMatchObject({ status: 409, body: { error_code: 10005 } });
  });

  test("on another path is refused, and is independent of other users' keys", async () => {
    const headers = key();
    const name = unique();
    await manager.post('/roles/', { name }, headers);
    expect((await manager.post('/auth-tokens/', { name, password }, headers)).status).toBe(409);
    expect((await (await t.user({ password })).post('/auth-tokens/', { name, password }, headers)).status).toBe(201);
  });

  test('of a refused request may be reused', async () => {
    const headers = key();
    const taken = unique();
    await manager.post('/roles/', { name: taken });
    expect((await manager.post('/roles/', { name: taken }, headers)).status).toBe(409);
    expect((await manager.post('/roles/', { name: unique() }, headers)).status).toBe(201);
  });

  test('repeats a response with a secret, which is stored encrypted', async () => {
    const headers = key();
    const first = await manager.post('/auth-tokens/', { name: unique(), password }, headers);
    const stored = await t.db
      .selectFrom('idempotencyKeys')
      .where('key', '=', headers['idempotency-key'])
      .selectAll()
      .execute();
    expect(JSON.stringify(stored)).not.toContain(first.body['value']);
    const second = await manager.post('/auth-tokens/', { name: first.body['name'], password }, headers);
    expect(second.body).toEqual(first.body);
  });
});
