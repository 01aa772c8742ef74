import { sql } from 'kysely';
import { migrateFor } from '../../db/migrate.ts';
import { currentRole, grantToApplication, warnOfOwnership } from '../../db/database-grants.ts';
import { testDatabase, type TestDatabase } from '../support/harness.ts';

let database: TestDatabase;
let role: string;
beforeAll(async () => {
  database = await testDatabase();
  role = await currentRole(database.db);
  // Database-level grants are not cloned with the template.
  await grantToApplication(database.owner, role);
});
afterAll(() => database.close());

const asApplication = (statement: string) => sql.raw(statement).execute(database.db);
const asOwner = (statement: string) => sql.raw(statement).execute(database.owner);
const refused = (statement: string) =>
  expect(asApplication(statement)).rejects.toThrow(/permission denied|must be owner/);

describe('a process of Slipway', () => {
  test.each([
    ['audit_records', 'operator'],
    ['audit_records_2026', 'operator'],
    ['audit_chain', 'hash'],
    ['audit_anchors', 'hash'],
    ['audit_verifications', 'ok'],
  ])('can neither change, remove nor unguard anything in %s', async (table, column) => {
    await refused(`update ${table} set ${column} = ${column}`);
    await refused(`delete from ${table}`);
    await refused(`truncate ${table}`);
    await refused(`alter table ${table} disable trigger all`);
    await refused(`alter table ${table} add column more text`);
    await refused(`create trigger more before insert on ${table} execute function audit_is_append_only()`);
    await refused(`drop table ${table}`);
  });

  test('can add and read audit records', async () => {
    await asApplication(`insert into audit_records (view, operator, area, op_type, target_type, detail_en, detail_zh, channel)
      values ('host', 'ann', 'hosts', 'add', 'host', 'x', 'x', 'cli')`);
    expect((await asApplication('select operator from audit_records')).rows).toEqual([{ operator: 'ann' }]);
  });

  test('cannot create tables, even temporary ones, nor disable triggers for its session', async () => {
    await refused('create table more (id int)');
    await refused('create temporary table more (id int)');
    await refused('create schema more');
    await refused(`set session_replication_role = replica`);
    await refused('alter function audit_is_append_only() rename to nothing');
  });

  test('cannot tell that a migration has run', () => refused(`delete from kysely_migration`));
});

describe('granting after a migration', () => {
  test('opens a new table without being given its name, and one of the audit for adding only', async () => {
    await asOwner('create table later (id bigint generated always as identity primary key, name text)');
    await asOwner('create table audit_later (id bigint generated always as identity primary key, name text)');
    await asOwner('create sequence later_numbers');
    await refused('select * from later');
    await grantToApplication(database.owner, role);
    for (const table of ['later', 'audit_later']) await asApplication(`insert into ${table} (name) values ('a')`);
    await asApplication(`update later set name = 'b'; delete from later; select nextval('later_numbers')`);
    await refused(`update audit_later set name = 'b'`);
    await refused('delete from audit_later');
  });

  test('revokes excess privileges of the role', async () => {
    await asOwner(`grant all on audit_records to ${role}`);
    await asOwner(`grant create on schema public to ${role}`);
    await grantToApplication(database.owner, role);
    await refused('delete from audit_records');
    await refused('create table more (id int)');
  });

  test('a second time has no effect, even when run concurrently', async () => {
    const granted = () => asOwner(`select relname, relacl, xmin from pg_class where relkind in ('r', 'p', 'S')`);
    const before = (await granted()).rows;
    await Promise.all([grantToApplication(database.owner, role), grantToApplication(database.owner, role)]);
    expect((await granted()).rows).toEqual(before);
  });

  test('to a role that is not there fails', async () => {
    await expect(grantToApplication(database.owner, 'nobody-knows-it')).rejects.toThrow('does not exist');
  });

  test('is left out where one role migrates and runs', async () => {
    expect(await migrateFor(database.owner, database.ownerUrl)).toEqual([]);
  });
});

test('a start as the owner of the audit tables is warned of, one as another role is not', async () => {
  const warn = jest.fn();
  await warnOfOwnership(database.url, { warn });
  await warnOfOwnership('postgres://nobody:x@127.0.0.1:1/nothing', { warn });
  expect(warn).not.toHaveBeenCalled();
  await warnOfOwnership(database.ownerUrl, { warn });
  expect(warn).toHaveBeenCalledTimes(1);
  expect(warn).toHaveBeenCalledWith(
    expect.anything(),
    expect.stringContaining('the audit tables are owned by the database role in use'),
  );
});
