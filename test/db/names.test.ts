import { sql } from 'kysely';
import { testDatabase, type TestDatabase } from '../support/harness.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

test('names are spelt for PostgreSQL however deep they are, texts stay as they are, and rows have our names', async () => {
  const { db } = database;
  const query = db
    .with('lateUsers', (cte) => cte.selectFrom('users').where('lastLoginTime', 'is', null).select('id as userId'))
    .selectFrom('lateUsers')
    .where(
      sql<boolean>`exists ${db.selectFrom('userRoles').whereRef('userRoles.userId', '=', sql.ref('lateUsers.userId'))}`,
    )
    .where('userId', 'in', (eb) => eb.selectFrom('grants').where('permission', '=', 'aB').select('roleId'));
  expect(query.selectAll().compile().sql).toBe(
    'with "late_users" as (select "id" as "user_id" from "users" where "last_login_time" is null) ' +
      'select * from "late_users" where exists (select from "user_roles" where "user_roles"."user_id" = "late_users"."user_id") ' +
      'and "user_id" in (select "role_id" from "grants" where "permission" = $1)',
  );
  const { rows } = await sql`select 'aB' as ${sql.ref('someText')}, '{"in_json": 1}'::json as some_json`.execute(db);
  expect(rows).toEqual([{ someText: 'aB', someJson: { in_json: 1 } }]);
});
