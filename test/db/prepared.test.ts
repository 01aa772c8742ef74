import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { executeNamed } from '../../db/core/prepared-statements.ts';
import { mayOn } from '../../db/access/rights.ts';
import { useToken } from '../../db/access/tokens.ts';
import type { Database } from '../../db/database.ts';
import { makeApplication, testApp, type TestApp } from '../support/api/app.ts';

let t: TestApp;
beforeAll(async () => {
  t = await testApp();
});
afterAll(() => t.close());

const byName = (db: Kysely<Database>, username: string, least: number) =>
  executeNamed(
    db,
    'user by name',
    db
      .selectFrom('users')
      .where('username', '=', username)
      .where('id', '>=', least)
      .select(['id', 'mustChangePassword']),
  );

test('a named query takes other values each time, in and out of transactions, and spells columns as others do', async () => {
  const [one, other] = [await t.user(), await t.user()];
  expect(await byName(t.db, one.username, 0)).toEqual([{ id: one.id, mustChangePassword: false }]);
  const within = t.db.transaction().execute((tx) => byName(tx, other.username, other.id));
  expect(await within).toMatchObject([{ id: other.id }]);
  expect(await byName(t.db, one.username, one.id + 1)).toEqual([]);
});

test('a name stands for one text', async () => {
  await t.db.connection().execute(async (db) => {
    await byName(db, 'a', 0);
    const other = executeNamed(db, 'user by name', db.selectFrom('users').select('id'));
    await expect(other).rejects.toThrow('must be unique');
  });
});

test('the look-up of a caller is parsed once per connection and still returns current values', async () => {
  const user = await t.user();
  const application = await makeApplication(t.db);
  await t.db.connection().execute(async (db) => {
    const asked = { scope: 'application', id: application } as const;
    const ask = () => useToken(db, user.token, new Date(), asked);
    // PostgreSQL may keep one plan for all values from the sixth execution on.
    for (let n = 0; n < 8; n += 1) expect((await ask())?.granted).toEqual([]);
    const subject = (await ask())?.subject ?? never();
    expect(await mayOn(db, subject, 'application', 'view_app', application)).toBe('hidden');
    await t.db
      .insertInto('grants')
      .values({ userId: user.id, roleId: null, scope: 'application', objectId: application, permission: 'view_app' })
      .execute();
    expect((await ask())?.granted).toEqual(['view_app']);
    expect(await mayOn(db, subject, 'application', 'view_app', application)).toBe('yes');
    const { rows } = await sql<{ name: string }>`select name from pg_prepared_statements order by name`.execute(db);
    expect(rows.map(({ name }) => name)).toContain('token, application asked');
    await t.db.deleteFrom('authTokens').where('userId', '=', user.id).execute();
    expect(await ask()).toBeUndefined();
  });
});

const never = (): never => {
  throw new Error('the token is not known');
};
