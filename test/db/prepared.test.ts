import { prepared, statementName, type Place } from '../../db/prepared.ts';
import { mayOn } from '../../db/access/rights.ts';
import { useToken } from '../../db/access/tokens.ts';
import { sql } from 'kysely';
import pg from 'pg';
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

test('lists of applications by ids are planned once a connection, those that search texts for each text', async () => {
  const [user, application] = [await t.user({ admin: true }), await makeApplication(t.db)];
  const sent = jest.spyOn(pg.Client.prototype, 'query');
  const isNamed = async (path: string) => {
    sent.mockClear();
    expect((await user.get(path)).status).toBe(200);
    const lists = (sent.mock.calls as unknown[][])
      .map(([query]) => query)
      .filter((query) => JSON.stringify(query).includes('matching'));
    expect(lists).toHaveLength(1);
    return typeof lists[0] === 'object';
  };
  for (const path of ['', `?parent_app=${application}`, `${application}/child-apps/`, `${application}/required-apps/`])
    expect([path, await isNamed(`/applications/${path}`)]).toEqual([path, true]);
  for (const path of [
    '?name=a',
    '?parent_app=1&name=a',
    '?production=1',
    '?page=2',
    `${application}/child-apps/?name=a`,
  ])
    expect([path, await isNamed(`/applications/${path}`)]).toEqual([path, false]);
  sent.mockRestore();
});

test('a statement that would break when a migration adds a column is refused to whoever writes it', async () => {
  const all = prepared((db, place: Place<{ least: number }>) =>
    db.selectFrom('users').where('id', '>=', place('least')).selectAll(),
  );
  await expect(all(t.db, { least: 0 })).rejects.toThrow('has to name its columns');
  const some = prepared((db, place: Place<{ least: number }>) =>
    db
      .selectFrom('users')
      .where('id', '>=', place('least'))
      .select((eb) => eb.fn.countAll().as('count')),
  );
  expect(await some(t.db, { least: 0 })).toHaveLength(1);
});

const never = (): never => {
  throw new Error('the token is not known');
};
