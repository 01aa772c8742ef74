import { Connection } from '@temporalio/client';
import { sql } from 'kysely';
import pg from 'pg';
import { eventually, temporalAddress, testDatabase } from './harness.ts';

test('each test database is migrated and apart from every other', async () => {
  const [one, two] = await Promise.all([testDatabase(), testDatabase()]);
  await one.db.insertInto('productions').values({ name: 'only here', creator: 'ann' }).execute();
  expect(await two.db.selectFrom('productions').selectAll().execute()).toEqual([]);
  await Promise.all([one.close(), two.close()]);
});

test('an open transaction that code leaves behind fails the closing', async () => {
  const database = await testDatabase();
  const left = await database.db.startTransaction().execute();
  await sql`select 1`.execute(left);
  await expect(database.close()).rejects.toThrow('open transactions were left');
  await expect(left.rollback().execute()).rejects.toThrow();
});

test('a session that code leaves behind fails the closing', async () => {
  const database = await testDatabase();
  const client = new pg.Client({ connectionString: database.url, application_name: 'left behind' });
  client.on('error', () => undefined);
  await client.connect();
  await expect(database.close()).rejects.toThrow('left behind');
});

test('eventually gives up with the last reason', async () => {
  let tries = 0;
  const never = eventually(() => Promise.reject(new Error(`try ${++tries}`)), { timeout: 60, interval: 10 });
  const reason = await never.catch((error: unknown) => error);
  expect(reason).toEqual(new Error(`try ${tries}`));
  expect(await eventually(() => ++tries % 3 === 0 && 'value')).toBe('value');
});

test('the workflow engine of the run responds', async () => {
  const connection = await Connection.connect({ address: temporalAddress() });
  expect((await connection.workflowService.getSystemInfo({})).serverVersion).toMatch(/^\d/);
  await connection.close();
});
