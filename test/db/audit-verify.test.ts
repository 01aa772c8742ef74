import { sql } from 'kysely';
import { anchor } from '../../db/audit/anchor.ts';
import { record } from '../../db/audit/record.ts';
import { createSealer } from '../../db/audit/seal.ts';
import { verify } from '../../db/audit/verify.ts';
import type { Actor } from '../../workflows/tasks/contract.ts';
import { testDatabase, type TestDatabase } from '../support/harness.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await testDatabase();
  for (let n = 1; n <= 10; n++) await write(`h${n}`);
  await createSealer(database.db).seal();
});
afterEach(() => database.close());

const bob: Actor = { id: 2, username: 'bob', channel: 'token', tokenId: 5 };
const log = { info: () => undefined, warn: () => undefined };

async function write(targetName: string): Promise<void> {
  await record(database.db, bob, [
    {
      view: 'app',
      area: 'applications',
      opType: 'update',
      targetType: 'application',
      targetId: 1,
      targetName,
      detail: { en: targetName, zh: '应用' },
      changes: { n: [1, { b: 1.5, a: [true, null] }] },
    },
  ]);
}

/** Acts as a database superuser, whom the triggers do not stop. */
async function tamper(statement: string): Promise<void> {
  await database.owner.transaction().execute(async (tx) => {
    await sql`set local session_replication_role = replica`.execute(tx);
    await sql.raw(statement).execute(tx);
  });
}

test('an untouched chain verifies, reports its head, and can be verified in pieces', async () => {
  const whole = await verify(database.db);
  expect(whole).toMatchObject({ ok: true, checked: 10, from_id: 1, to_id: 10, next_id: null, unsealed: 0 });
  expect(whole.head).toEqual({ position: 10, hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
  const first = await verify(database.db, { limit: 4 });
  expect(first).toMatchObject({ ok: true, checked: 4, to_id: 4, next_id: 5 });
  expect(await verify(database.db, { fromId: 5 })).toMatchObject({ ok: true, checked: 6, from_id: 5, to_id: 10 });
  expect(await verify(database.db, { fromId: 3, toId: 6 })).toMatchObject({ ok: true, checked: 4 });
  expect(await verify(database.db, { fromId: 99 })).toMatchObject({ ok: true, checked: 0 });
});

test.each([
  ['a changed sentence', `update audit_records set detail_en = 'nothing happened' where id = 4`],
  ['a changed operator', `update audit_records set operator = 'eve' where id = 4`],
  [
    'a changed time',
    `update audit_records set op_time = op_time - interval '3 years' + interval '3 years 1 s' where id = 4`,
  ],
  ['a time in another year', `update audit_records set op_time = '2041-01-01' where id = 4`],
  ['a changed detail of the changes', `update audit_records set changes = '{"n": [1, 2]}' where id = 4`],
  ['a refusal turned into a success', `update audit_records set outcome = 'refused' where id = 4`],
  ['a changed hash', `update audit_chain set hash = repeat('a', 64) where position = 4`],
])('%s is found as hash_mismatch', async (_what, statement) => {
  await tamper(statement);
  expect(await verify(database.db)).toMatchObject({ ok: false, first_bad: { id: 4, reason: 'hash_mismatch' } });
});

test('a deleted record is found as missing_record', async () => {
  await tamper('delete from audit_records where id = 4');
  expect(await verify(database.db)).toMatchObject({
    ok: false,
    checked: 3,
    first_bad: { id: 4, reason: 'missing_record' },
  });
});

test('a record deleted together with its link is found as gap', async () => {
  await tamper('delete from audit_records where id = 4; delete from audit_chain where position = 4');
  expect(await verify(database.db)).toMatchObject({ ok: false, first_bad: { id: 5, reason: 'gap' } });
  expect(await verify(database.db, { fromId: 5 })).toMatchObject({ ok: false, first_bad: { id: 5, reason: 'gap' } });
});

test('a link that does not follow from the one before is found as broken_link', async () => {
  await tamper(`update audit_chain set prev_hash = repeat('b', 64) where position = 6`);
  expect(await verify(database.db)).toMatchObject({ ok: false, first_bad: { id: 6, reason: 'broken_link' } });
});

test('links and records exchanged are found', async () => {
  await tamper(`update audit_chain set record_id = -1 where position = 3;
    update audit_chain set record_id = 3 where position = 4; update audit_chain set record_id = 4 where position = 3`);
  expect((await verify(database.db)).ok).toBe(false);
});

test('a chain rewritten from the start is found by its anchor', async () => {
  await anchor(database.db, { log });
  await tamper(`delete from audit_chain; update audit_records set operator = 'eve' where id = 4`);
  await createSealer(database.db).seal();
  expect(await verify(database.db)).toMatchObject({ ok: false, first_bad: { id: 10, reason: 'anchor_mismatch' } });
});

test('a chain whose end was cut off is found by its anchor', async () => {
  await anchor(database.db, { log });
  await tamper('delete from audit_records where id > 8; delete from audit_chain where position > 8');
  expect(await verify(database.db)).toMatchObject({ ok: false, first_bad: { id: 8, reason: 'anchor_mismatch' } });
});

test('a record left unsealed for too long is a failure, a fresh one is not', async () => {
  await write('fresh');
  expect(await verify(database.db)).toMatchObject({ ok: true, unsealed: 1 });
  await tamper(`update audit_records set op_time = now() - interval '61 seconds' where id = 11`);
  expect(await verify(database.db)).toMatchObject({ ok: false, unsealed: 1, first_bad: null });
});

test('a forged second record under a sealed id is never sealed and fails the verification', async () => {
  await sql`insert into audit_records (id, op_time, view, operator, area, op_type, target_type, detail_en, detail_zh, channel)
    overriding system value
    values (4, now() - interval '2 minutes', 'app', 'eve', 'x', 'x', 'x', 'x', 'x', 'cli')`.execute(database.db);
  expect(await createSealer(database.db).seal()).toBe(0);
  expect((await verify(database.db)).ok).toBe(false);
});

test('the head is anchored when it has grown by 10,000 records or an hour has passed, and not otherwise', async () => {
  const { db } = database;
  expect(await anchor(db, { log })).toMatchObject({ position: 10 });
  expect(await anchor(db, { log })).toBeUndefined();
  await write('one more');
  await createSealer(db).seal();
  expect(await anchor(db, { log })).toBeUndefined();
  await tamper(`update audit_anchors set time = now() - interval '61 minutes'`);
  expect(await anchor(db, { log })).toMatchObject({ position: 11 });
  expect(await anchor(db, { log })).toBeUndefined();
  await sql`insert into audit_records (view, operator, area, op_type, target_type, detail_en, detail_zh, channel)
    select 'app', 'bob', 'x', 'x', 'x', 'x', 'x', 'cli' from generate_series(1, 10000)`.execute(db);
  expect(await createSealer(db).seal()).toBe(10_000);
  expect(await anchor(db, { log })).toMatchObject({ position: 10_011 });
  expect(await verify(db)).toMatchObject({ ok: true, checked: 10_011, anchors_checked: 3 });
});
