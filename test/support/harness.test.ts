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
  const database = await testDatabase({ patience: 500 });
  const left = await database.db.startTransaction().execute();
  await sql`select 1`.execute(left);
  await expect(database.close()).rejects.toThrow('open transactions were left');
  await expect(left.rollback().execute()).rejects.toThrow();
});

test('a session that code leaves behind fails the closing', async () => {
  const database = await testDatabase({ patience: 500 });
  const client = new pg.Client({ connectionString: database.url, application_name: 'left behind' });
  client.on('error', () => undefined);
  await client.connect();
  await expect(database.close()).rejects.toThrow('left behind');
});

describe('eventually', () => {
  // On a clock of their own, which no load holds up.
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  test('gives up with the last reason', async () => {
    let tries = 0;
    const never = eventually(() => Promise.reject(new Error(`try ${++tries}`)), { timeout: 60, interval: 10 });
    const reason = never.catch((error: unknown) => error);
    await jest.advanceTimersByTimeAsync(60);
    expect(await reason).toEqual(new Error('try 7'));
  });

  test('returns what comes in the end', async () => {
    let tries = 0;
    const found = eventually(() => ++tries % 3 === 0 && 'value');
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await found).toBe('value');
    expect(tries).toBe(3);
  });

  test('looks less often at what takes long', async () => {
    let tries = 0;
    const never = eventually(() => ++tries < 0, { timeout: 20_000, interval: 25 }).catch(() => tries);
    await jest.advanceTimersByTimeAsync(20_100);
    expect(await never).toBeGreaterThan(20_000 / 100);
    expect(tries).toBeLessThan(20_000 / 75);
  });
});

test('the workflow engine of the run responds', async () => {
  const connection = await Connection.connect({ address: temporalAddress() });
  expect((await connection.workflowService.getSystemInfo({})).serverVersion).toMatch(/^\d/);
  await connection.close();
});
