import { sql } from 'kysely';
import { diff } from '../../db/audit/changes.ts';
import { record, type AuditEntry } from '../../db/audit/record.ts';
import { recordRefusal, tellRefusalCounts } from '../../db/audit/refusals.ts';
import { startSealing, askForSealing } from '../../db/audit/sealing.ts';
import { quote } from '../../db/audit/text.ts';
import { canonicalJson } from '../../db/core/canonical-json.ts';
import { createListener } from '../../db/coordination/listen.ts';
import type { Actor } from '../../workflows/tasks/contract.ts';
import { eventually, testDatabase, type TestDatabase } from '../support/harness.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

const ann: Actor = { id: 1, username: 'ann', channel: 'token', remoteAddr: '::1', requestId: 'r', tokenId: 3 };
const entry: AuditEntry = {
  view: 'operations',
  area: 'access',
  opType: 'update',
  targetType: 'user',
  targetId: 9,
  targetName: 'bob',
  detail: { en: 'user bob changed', zh: '用户 bob 已修改' },
};

test('a record has the actor, the channel and the change', async () => {
  await record(database.db, ann, [entry]);
  const [row] = await database.db.selectFrom('auditRecords').selectAll().orderBy('id', 'desc').limit(1).execute();
  expect(row).toMatchObject({
    operator: 'ann',
    channel: 'token',
    remoteAddr: '::1',
    requestId: 'r',
    tokenId: 3,
    messageId: null,
    detailEn: 'user bob changed',
    detailZh: '用户 bob 已修改',
    outcome: 'success',
    changes: null,
  });
});

test('sentences over 4,000 characters are cut, NUL and half characters do not stop a change', async () => {
  const detail = { en: 'x'.repeat(5_000), zh: 'a\0b\ud800' };
  await record(database.db, ann, [{ ...entry, detail, targetName: 'n\0', changes: { name: ['\0', '\ud800'] } }]);
  const [row] = await database.db.selectFrom('auditRecords').selectAll().orderBy('id', 'desc').limit(1).execute();
  expect(row?.detailEn).toHaveLength(4_000);
  expect(row?.detailZh).toBe('a\\u0000b\ufffd');
  expect(row?.changes).toEqual({ name: ['\ufffd', '\ufffd'] });
});

test('changes over 1 MiB are cut and say so', async () => {
  const long = 'x'.repeat(700_000);
  const many = Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`f${n}`, [long.slice(0, 900), n]]));
  for (const changes of [{ script: [long, `${long}y`] }, many] as AuditEntry['changes'][]) {
    await record(database.db, ann, [{ ...entry, changes: changes ?? null }]);
    const { rows } = await sql<{ size: number; truncated: boolean }>`
      select length(changes::text) as size, (changes->>'truncated')::boolean as truncated
      from audit_records order by id desc limit 1`.execute(database.db);
    expect(rows[0]?.truncated).toBe(true);
    expect(rows[0]?.size).toBeLessThan(1_100_000);
  }
});

test('a change without effect gives no changes; secrets are masked', () => {
  const before = { name: 'a', createdTime: new Date(0), tags: ['x', { b: 1, a: 2 }], password: 'old', kept: 1 };
  expect(diff(before, { name: 'a', tags: ['x', { a: 2, b: 1 }], createdTime: new Date(0) })).toBeNull();
  expect(diff(before, { name: 'b', password: 'new', kept: undefined }, ['password'])).toEqual({
    name: ['a', 'b'],
    password: ['******', '******'],
  });
  expect(diff(null, { runUser: 'work' })).toEqual({ run_user: [null, 'work'] });
  expect(diff({ runUser: 'work' }, null)).toEqual({ run_user: ['work', null] });
});

test('user text in a sentence is cut at 200 characters, and cannot forge lines', () => {
  expect([...quote('😀'.repeat(300))]).toHaveLength(200);
  expect(quote('a\nb\r\u001b[31m\u202e\u2028')).toBe('a\\nb\\u000d\\u001b[31m\\u202e\\u2028');
});

test('canonical JSON is that of RFC 8785', () => {
  const value = {
    '\u20ac': 'Euro',
    '\r': 'CR',
    '\ufb33': 'Dalet',
    '1': 'One',
    '\ud83d\ude00': 'Smiley',
    '\u0080': 'C',
  };
  expect(canonicalJson(value)).toBe(
    '{"\\r":"CR","1":"One","\u0080":"C","\u20ac":"Euro","\ud83d\ude00":"Smiley","\ufb33":"Dalet"}',
  );
  const numbers = [333333333.33333329, 1e30, 4.5, 2e-3, 1e-27, -0, 9007199254740993];
  expect(canonicalJson({ numbers, literals: [null, true, false], string: '\u000f\n"\\/' })).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27,0,9007199254740992],' +
      '"string":"\\u000f\\n\\"\\\\/"}',
  );
  expect(() => canonicalJson({ a: undefined })).toThrow(TypeError);
  expect(() => canonicalJson([Number.NaN])).toThrow(TypeError);
});

test('identical refusals are recorded 100 times an hour, then once with the count', async () => {
  const { db } = database;
  const refused = () =>
    db
      .selectFrom('auditRecords')
      .select(['detailEn', 'operator'])
      .where('outcome', '=', 'refused')
      .orderBy('id')
      .execute();
  await Promise.all(Array.from({ length: 130 }, () => recordRefusal(db, ann, entry)));
  await recordRefusal(db, { ...ann, username: 'eve' }, entry);
  expect(await refused()).toHaveLength(101);
  await tellRefusalCounts(db);
  expect(await refused()).toHaveLength(101);
  await db
    .updateTable('auditRefusals')
    .set({ since: sql`now() - interval '61 minutes'` })
    .execute();
  await Promise.all([tellRefusalCounts(db), tellRefusalCounts(db), recordRefusal(db, ann, entry)]);
  const all = await refused();
  expect(all).toHaveLength(103);
  expect(all.filter(({ detailEn }) => detailEn === 'user bob changed (30 more times within the hour)')).toHaveLength(1);
});

test('records are sealed on NOTIFY and by the clock', async () => {
  const { db, url } = database;
  const log = { info: () => undefined, warn: () => undefined };
  const listen = createListener(url, log);
  const unsealed = async () => {
    const { rows } = await sql<{ n: number }>`select (select count(*) from audit_records) -
      (select count(*) from audit_chain) as n`.execute(db);
    return rows[0]?.n;
  };
  const running = [startSealing({ db, listen, log, everyMs: 3_600_000 })];
  try {
    await listen.ready();
    await eventually(async () => expect(await unsealed()).toBe(0));
    await record(db, ann, [entry]);
    await askForSealing(db);
    await eventually(async () => expect(await unsealed()).toBe(0));
    running.push(startSealing({ db, listen, log, everyMs: 20 }));
    await record(db, ann, [entry]);
    await eventually(async () => expect(await unsealed()).toBe(0));
  } finally {
    await Promise.all(running.map((one) => one.stop()));
    await listen.close();
  }
});
