import { sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { connect } from '../../db/core/connect.ts';
import { migrate, migrationsPending } from '../../db/migrate.ts';
import { migrations } from '../../db/migrations/index.ts';
import { testDatabase, type TestDatabase } from '../support/harness.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

const everything = Object.keys(migrations);

async function emptyDatabase(): Promise<void> {
  await sql.raw('drop schema public cascade; create schema public').execute(database.owner);
}

test('concurrent migrations by two processes apply every migration once, in order', async () => {
  await emptyDatabase();
  const second = connect(database.ownerUrl, { max: 2, applicationName: 'second' });
  const applied = await Promise.all([migrate(database.owner), migrate(second), migrate(second)]);
  expect(applied.flat().sort()).toEqual(everything);
  await second.destroy();
  expect(await migrationsPending(database.owner)).toEqual([]);
});

test('migrating a second time has no effect', async () => {
  expect(await migrate(database.owner)).toEqual([]);
});

test('a migration that comes later than one with a bigger number is applied', async () => {
  await sql`delete from kysely_migration where name = '0015_shared_limits'`.execute(database.owner);
  await sql`drop table provider_turns`.execute(database.owner);
  await sql`alter table host_calls drop column attempts`.execute(database.owner);
  expect(await migrate(database.owner)).toEqual(['0015_shared_limits']);
  expect(await migrationsPending(database.owner)).toEqual([]);
});

test('an empty database is reported to lack every migration', async () => {
  await emptyDatabase();
  expect(await migrationsPending(database.owner)).toEqual(everything);
});

test('two hosts that lead to one machine stop the migration, which names them, until one of them is changed', async () => {
  await emptyDatabase();
  const before = everything.slice(0, everything.indexOf('0029_host_ways'));
  const known = Object.fromEntries(before.map((name) => [name, migrations[name]]));
  const former = new Migrator({
    db: database.owner,
    provider: { getMigrations: async () => known as typeof migrations },
  });
  expect((await former.migrateToLatest()).error).toBeUndefined();
  const add = (name: string, runner: string, minion: string | null, ...addresses: string[]) =>
    sql`insert into hosts (name, host_type, runner, minion_id, ip_address, creator) values (${name}, 'PHY_HOST', ${runner},
      ${minion}, ${JSON.stringify(addresses.map((address) => ({ address })))}::jsonb, 'test')`.execute(database.owner);
  await add('a', 'ssh', null, '10.0.0.1');
  await add('b', 'ssh', null, '::ffff:a00:1', '10.0.0.9');
  await add('c', 'salt', 'Minion-1');
  await add('minion-1', 'salt', null, '10.0.0.1');
  await add('local-1', 'local', null, '10.0.0.1');
  const stopped = migrate(database.owner);
  await expect(stopped).rejects.toThrow('ssh 10.0.0.1: hosts "a" (id 1), "b" (id 2)');
  await expect(migrate(database.owner)).rejects.toThrow('salt minion-1: hosts "c" (id 3), "minion-1" (id 4)');
  await expect(migrate(database.owner)).rejects.toThrow('migrate again');
  await sql`update hosts set deleted_time = now() where name in ('b', 'c')`.execute(database.owner);
  expect(await migrate(database.owner)).toContain('0029_host_ways');
  const { rows } = await sql<{ name: string; way: string; admittedWay: string | null }>`select name, admitted_way,
    host_way(runner, name, minion_id, ip_address, host_type, provider_id, ipmi) as way from hosts
    where deleted_time is null order by id`.execute(database.owner);
  expect(rows.map(({ name, way, admittedWay }) => [name, way, admittedWay === way])).toEqual([
    ['a', 'ssh 10.0.0.1', true],
    ['minion-1', 'salt minion-1, address 10.0.0.1', true],
    ['local-1', null, true],
  ]);
});

test('ids and counts arrive as numbers, and keys inside jsonb keep their spelling', async () => {
  const { rows } = await sql<{ big: number; someJson: object }>`
    select 9007199254740991::bigint as big, '{"snake_key": 1}'::jsonb as some_json`.execute(database.db);
  expect(rows).toEqual([{ big: 9007199254740991, someJson: { snake_key: 1 } }]);
});
