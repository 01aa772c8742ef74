import { prepared, statementName, type Parameter } from '../../db/core/prepared-statements.ts';
import { loadSubject, mayOn } from '../../db/access/rights.ts';
import { useToken } from '../../db/access/tokens.ts';
import { selectSummaries } from '../../db/applications/find.ts';
import { paginate } from '../../db/pagination/paginate.ts';
import { sql } from 'kysely';
import pg from 'pg';
import { makeApplication, testApp, type TestApp, type TestUser } from '../support/api/app.ts';

let t: TestApp;
beforeAll(async () => {
  t = await testApp();
});
afterAll(() => t.close());

const byName = prepared((db, place: Parameter<{ username: string; least: number }>) =>
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

test('the queries of nearly every request are planned once per connection and still return current values', async () => {
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

test('lists of applications by at most one filter are planned once a connection; by a text, where rights narrow them', async () => {
  const application = await makeApplication(t.db);
  const admin = await t.user({ admin: true });
  const viewer = await t.user({ system: ['view_user'], application: { [application]: ['view_app'] } });
  const sent = jest.spyOn(pg.Client.prototype, 'query');
  const isNamed = async (user: TestUser, path: string) => {
    sent.mockClear();
    expect((await user.get(path)).status).toBe(200);
    const lists = (sent.mock.calls as unknown[][])
      .map(([query]) => query)
      .filter((query) => JSON.stringify(query).includes('matching'));
    expect(lists).toHaveLength(1);
    return typeof lists[0] === 'object';
  };
  const filters = [
    `parent_app=${application}`,
    'production=1',
    'has_parent=1',
    'response_persons=1,2',
    'user=a',
    'role=a',
  ];
  const always = ['', ...filters.map((filter) => `?${filter}`), ...['child-apps/', 'required-apps/'].map(onIt)];
  const whereNarrowed = ['?name=a', '?full_path=a', '?application_type=a', onIt('child-apps/?name=a')];
  const never = [`?parent_app=${application}&name=a`, '?page=2', '?page_size=20'];
  function onIt(list: string): string {
    return `${application}/${list}`;
  }
  for (const [paths, forAdmin, forViewer] of [
    [always, true, true],
    [whereNarrowed, false, true],
    [never, false, false],
  ] as const)
    for (const path of paths) {
      expect([path, await isNamed(admin, `/applications/${path}`)]).toEqual([path, forAdmin]);
      expect([path, await isNamed(viewer, `/applications/${path}`)]).toEqual([path, forViewer]);
    }
  sent.mockRestore();
});

test('what rights narrow has one plan for everybody, however few grants one has', async () => {
  const [busy, idle] = [await t.user(), await t.user()];
  await sql`insert into grants (user_id, scope, object_id, permission)
    select ${busy.id}, 'application', n, 'view_app' from generate_series(100000, 120000) n`.execute(t.db);
  await sql`analyze grants`.execute(t.database.owner);
  const application = await makeApplication(t.db);
  await t.db.connection().execute(async (db) => {
    const seen = async () => {
      const query = selectSummaries(db, await loadSubject(db, idle.id));
      return (await paginate(db, query, { page: 1, pageSize: 10, order: 'oldest', keepPlan: true })).count;
    };
    for (let n = 0; n < 8; n += 1) expect(await seen()).toBe(0);
    // Of the statements of this connection it is the one that was sent so often.
    const { rows } = await sql<{ customPlans: number; genericPlans: number }>`
      select custom_plans, generic_plans from pg_prepared_statements
      where statement like '%matching%' and custom_plans + generic_plans = 8`.execute(db);
    expect(rows).toEqual([{ customPlans: 5, genericPlans: 3 }]);
    await t.db
      .insertInto('grants')
      .values({ userId: idle.id, roleId: null, scope: 'application', objectId: application, permission: 'view_app' })
      .execute();
    expect(await seen()).toBe(1);
  });
});

test('a statement that would break when a migration adds a column is refused to its author', async () => {
  const all = prepared((db, place: Parameter<{ least: number }>) =>
    db.selectFrom('users').where('id', '>=', place('least')).selectAll(),
  );
  await expect(all(t.db, { least: 0 })).rejects.toThrow('has to name its columns');
  const some = prepared((db, place: Parameter<{ least: number }>) =>
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
