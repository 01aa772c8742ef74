import { sql } from 'kysely';
import { connect } from '../../db/core/connect.ts';
import { eventually, testDatabase, type TestDatabase } from '../support/harness.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

const terminate = (name: string) =>
  sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = ${name}`.execute(database.db);

test('a connection lost while idle or within a transaction ends no process; the pool recovers', async () => {
  const warn = jest.fn();
  const db = connect(database.url, { max: 2, applicationName: 'to-be-lost', log: { warn } });
  await sql`select 1`.execute(db);
  await terminate('to-be-lost');
  await eventually(() => expect(warn).toHaveBeenCalledTimes(1));
  const open = await db.startTransaction().execute();
  await sql`select 1`.execute(open);
  await terminate('to-be-lost');
  await eventually(() => expect(warn.mock.calls.length).toBeGreaterThan(1));
  await expect(sql`select 1`.execute(open)).rejects.toThrow();
  await open
    .rollback()
    .execute()
    .catch(() => undefined);
  expect((await sql<{ one: number }>`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }]);
  await db.destroy();
});

test('statements, locks and idle transactions have a timeout', async () => {
  const { rows } = await sql<{ name: string; setting: string }>`
    select name, setting from pg_settings where name in
      ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout') order by name`.execute(database.db);
  expect(rows.map(({ setting }) => setting)).toEqual(['60000', '10000', '30000']);
});

test('the planner assumes indexes in memory, unless the database URL overrides it', async () => {
  const cost = async (db: TestDatabase['db']) =>
    (await sql<{ randomPageCost: string }>`show random_page_cost`.execute(db)).rows[0]?.randomPageCost;
  expect(await cost(database.db)).toBe('1.1');
  const url = new URL(database.url);
  url.searchParams.set('options', '-c random_page_cost=3');
  const other = connect(url.href, { max: 1, applicationName: 'with-options' });
  expect(await cost(other)).toBe('3');
  await other.destroy();
});
