import { sql } from 'kysely';
import { connect } from '../../db/connect.ts';
import { migrate, migrationsPending } from '../../db/migrate.ts';
import { migrations } from '../../db/migrations/index.ts';
import { testDatabase, type TestDatabase } from '../harness.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

const everything = Object.keys(migrations);

async function emptyDatabase(): Promise<void> {
  await sql.raw('drop schema public cascade; create schema public').execute(database.owner);
}

test('two processes that migrate at once apply every migration once, in order', async () => {
  await emptyDatabase();
  const second = connect(database.ownerUrl, { max: 2, applicationName: 'second' });
  const applied = await Promise.all([migrate(database.owner), migrate(second), migrate(second)]);
  expect(applied.flat().sort()).toEqual(everything);
  await second.destroy();
  expect(await migrationsPending(database.owner)).toEqual([]);
});

test('migrating a second time changes nothing', async () => {
  expect(await migrate(database.owner)).toEqual([]);
});

test('a migration that comes later than one with a bigger number is applied', async () => {
  await sql`delete from kysely_migration where name = '0015_shared_limits'`.execute(database.owner);
  await sql`drop table provider_turns`.execute(database.owner);
  await sql`alter table host_calls drop column attempts`.execute(database.owner);
  expect(await migrate(database.owner)).toEqual(['0015_shared_limits']);
  expect(await migrationsPending(database.owner)).toEqual([]);
});

test('a new database is told to lack every migration', async () => {
  await emptyDatabase();
  expect(await migrationsPending(database.owner)).toEqual(everything);
});

test('ids and counts arrive as numbers, and keys inside jsonb keep their spelling', async () => {
  const { rows } = await sql<{ big: number; someJson: object }>`
    select 9007199254740991::bigint as big, '{"snake_key": 1}'::jsonb as some_json`.execute(database.db);
  expect(rows).toEqual([{ big: 9007199254740991, someJson: { snake_key: 1 } }]);
});
