import { prepared, statementName, type Place } from '../../db/prepared.ts';
import { mayOn } from '../../db/access/rights.ts';
import { useToken } from '../../db/access/tokens.ts';
import { sql } from 'kysely';
import { makeApplication, testApp, type TestApp } from '../api/app.ts';

let t: TestApp;
beforeAll(async () => {
  t = await testApp();
});
afterAll(() => t.close());

const byName = prepared((db, place: Place<{ username: string; least: number }>) =>
  db
    .selectFrom('users')
    .where('username', '=', place('username'))
    .where('id', '>=', place('least'))
    .select(['id', 'mustChangePassword']),
);

test('a prepared query takes other values each time, in and out of transactions, and spells columns as others do', async () => {
  const [one, other] = [await t.user(), await t.user()];
  expect(await byName(t.db, { username: one.username, least: 0 })).toEqual([{ id: one.id, mustChangePassword: false }]);
  const within = t.db.transaction().execute((tx) => byName(tx, { username: other.username, least: other.id }));
  expect(await within).toMatchObject([{ id: other.id }]);
  expect(await byName(t.db, { username: one.username, least: one.id + 1 })).toEqual([]);
});

test('what nearly every request asks is planned once a connection, and still answers what holds at that moment', async () => {
  const user = await t.user();
  const application = await makeApplication(t.db);
  await t.db.connection().execute(async (db) => {
    const ask = async () => (await useToken(db, user.token, new Date()))?.subject;
    const may = async () => mayOn(db, (await ask()) ?? never(), 'application', 'view_app', application);
    // PostgreSQL may keep one plan for all values from the sixth execution on.
    for (let n = 0; n < 8; n += 1) expect(await may()).toBe('hidden');
    await t.db
      .insertInto('grants')
      .values({ userId: user.id, roleId: null, scope: 'application', objectId: application, permission: 'view_app' })
      .execute();
    expect(await may()).toBe('yes');
    const { rows } = await sql<{ statement: string; genericPlans: number }>`
      select statement, generic_plans from pg_prepared_statements`.execute(db);
    expect(rows.length).toBeGreaterThanOrEqual(2);
    for (const { statement } of rows) expect(statementName(statement)).toBeDefined();
    expect(rows.find(({ statement }) => statement.includes('auth_tokens'))?.genericPlans).toBeGreaterThan(0);
    await t.db.deleteFrom('authTokens').where('userId', '=', user.id).execute();
    expect(await ask()).toBeUndefined();
  });
});

const never = (): never => {
  throw new Error('the token is not known');
};
