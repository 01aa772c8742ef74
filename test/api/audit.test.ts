import { sql } from 'kysely';
import { unique } from '../support/harness.ts';
import { testApp, type TestApp, type TestUser } from '../support/api/app.ts';

let t: TestApp;
let manager: TestUser;
beforeAll(async () => {
  t = await testApp();
  manager = await t.user({ admin: true });
});
afterAll(() => t.close());

test('a change has a record of who, how and what', async () => {
  const name = unique();
  const made = await manager.post<{ id: number }>('/roles/', { name }, { 'x-request-id': `audit-${name}` });
  const record = await t.db
    .selectFrom('auditRecords')
    .where('requestId', '=', `audit-${name}`)
    .selectAll()
    .executeTakeFirstOrThrow();
  expect(record).toMatchObject({
    view: 'operations',
    area: 'access',
    opType: 'create',
    targetType: 'role',
    targetId: made.body.id,
    operator: manager.username,
    channel: 'token',
    outcome: 'success',
    detailEn: `role ${name} created`,
    changes: { name: [null, name], description: [null, ''] },
  });
});

test('a change without effect has no record', async () => {
  const name = unique();
  const made = await manager.post<{ id: number }>('/roles/', { name });
  await manager.patch(`/roles/${made.body.id}/`, { name }, { 'x-request-id': `same-${name}` });
  const records = await t.db.selectFrom('auditRecords').where('requestId', '=', `same-${name}`).selectAll().execute();
  expect(records).toEqual([]);
});

test('when the record cannot be written the change is rolled back, and the answer is 503', async () => {
  const name = unique();
  await sql`alter table audit_records add constraint never check (target_name is distinct from ${sql.lit(name)})`.execute(
    t.database.owner,
  );
  const headers = { 'idempotency-key': unique() };
  const answer = await manager.post('/roles/', { name }, headers);
  expect(answer).toMatchObject({ status: 503, body: { error_code: 10008 } });
  expect(await t.db.selectFrom('roles').where('name', '=', name).selectAll().execute()).toEqual([]);
  await sql`alter table audit_records drop constraint never`.execute(t.database.owner);
  expect((await manager.post('/roles/', { name }, headers)).status).toBe(201);
});
