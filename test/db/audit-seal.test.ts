import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { AuditEntry } from '../../db/audit/record.ts';
import { record } from '../../db/audit/record.ts';
import { createSealer } from '../../db/audit/seal.ts';
import { verify } from '../../db/audit/verify.ts';
import type { Database } from '../../db/database.ts';
import type { Actor } from '../../workflows/tasks/contract.ts';
import { testDatabase, type TestDatabase } from '../support/harness.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

const ann: Actor = { id: 1, username: 'ann', channel: 'console', remoteAddr: '10.0.0.1', requestId: 'r1' };

const entry = (targetName: string): AuditEntry => ({
  view: 'host',
  area: 'hosts',
  opType: 'update',
  targetType: 'host',
  targetId: 7,
  targetName,
  detail: { en: `host ${targetName} changed`, zh: `主机 ${targetName} 已修改` },
  changes: { description: ['old', 'new'] },
});

async function ids(db: Kysely<Database>): Promise<number[]> {
  return (await db.selectFrom('auditChain').select('recordId').orderBy('position').execute()).map(
    (row) => row.recordId,
  );
}

test('many writers at once, some of which roll back, are sealed without gaps by two sealers at once', async () => {
  const { db } = database;
  const sealers = [createSealer(db), createSealer(db)];
  let writing = true;
  const sealing = sealers.map(async (sealer) => {
    while (writing) await sealer.seal();
  });
  await Promise.all(
    Array.from({ length: 200 }, (_, n) =>
      db
        .transaction()
        .execute(async (tx) => {
          await record(tx, ann, [entry(`web-${n}`), entry(`web-${n}b`)]);
          if (n % 5 === 0) throw new Error('undo');
        })
        .catch(() => undefined),
    ),
  );
  writing = false;
  await Promise.all(sealing);
  await createSealer(db).seal();
  const positions = await db.selectFrom('auditChain').select('position').orderBy('position').execute();
  expect(positions.map(({ position }) => position)).toEqual(Array.from({ length: 320 }, (_, n) => n + 1));
  expect(await verify(db)).toMatchObject({ ok: true, checked: 320, unsealed: 0, first_bad: null, next_id: null });
});

test('a record committed late, with a smaller id than sealed ones, is sealed', async () => {
  const { db } = database;
  const sealer = createSealer(db);
  await sealer.seal();
  const slow = await db.startTransaction().execute();
  await record(slow, ann, [entry('slow')]);
  await record(db, ann, [entry('quick')]);
  expect(await sealer.seal()).toBe(1);
  await slow.commit().execute();
  expect(await sealer.seal()).toBe(1);
  const [quick, late] = (await ids(db)).slice(-2) as [number, number];
  expect(late).toBeLessThan(quick);
  expect(await verify(db)).toMatchObject({ ok: true, unsealed: 0 });
});

test('a record committed very late is found by the next thorough round', async () => {
  const { db } = database;
  const slow = await db.startTransaction().execute();
  await record(slow, ann, [entry('very slow')]);
  await record(db, ann, [entry('quick')]);
  const later = createSealer(db, { thoroughEveryMs: 0, lookBack: 0 });
  for (let round = 0; round < 3; round++) await later.seal();
  await slow.commit().execute();
  expect(await later.seal()).toBe(1);
  expect(await verify(db)).toMatchObject({ ok: true, unsealed: 0 });
});

test('a record that rolls back leaves no gap, and the next round does not wait for it', async () => {
  const { db } = database;
  const sealer = createSealer(db);
  await db
    .transaction()
    .execute(async (tx) => {
      await record(tx, ann, [entry('undone')]);
      throw new Error('undo');
    })
    .catch(() => undefined);
  await record(db, ann, [entry('kept')]);
  expect(await sealer.seal()).toBe(1);
});

test('sealing waits for no writer, and no writer for the sealer', async () => {
  const { db } = database;
  const open = await db.startTransaction().execute();
  await record(open, ann, [entry('open')]);
  expect(await createSealer(db).seal()).toBe(0);
  await open.rollback().execute();
});

test('a change that cannot write its record does not happen', async () => {
  const { db } = database;
  const change = db.transaction().execute(async (tx) => {
    await tx.insertInto('productions').values({ name: 'shop', creator: 'ann' }).execute();
    await record(tx, ann, [{ ...entry('x'), view: 'nowhere' as 'host' }]);
  });
  const cause: unknown = expect.objectContaining({ constraint: 'audit_records_view_check' });
  await expect(change).rejects.toMatchObject({ name: 'AuditWriteError', cause });
  expect(await db.selectFrom('productions').selectAll().execute()).toEqual([]);
});

describe('written records are immutable, even for the owner', () => {
  const tables = [
    'audit_records',
    ...Array.from({ length: 30 }, (_, n) => `audit_records_${2026 + n}`),
    'audit_chain',
    'audit_anchors',
  ];

  test.each(tables)('TRUNCATE of %s is refused', async (table) => {
    await expect(sql`truncate ${sql.table(table)}`.execute(database.owner)).rejects.toThrow('append only');
  });

  test('UPDATE and DELETE are refused in every partition and in the chain', async () => {
    const db = database.owner;
    for (let year = 2026; year < 2056; year++)
      await sql`
        insert into audit_records (op_time, view, operator, area, op_type, target_type, detail_en, detail_zh, channel)
        values (${`${year}-06-01T00:00:00Z`}, 'host', 'ann', 'hosts', 'add', 'host', 'x', 'x', 'cli')`.execute(db);
    await db
      .insertInto('auditAnchors')
      .values({
        position: 1,
        hash: (await db.selectFrom('auditChain').select('hash').where('position', '=', 1).executeTakeFirstOrThrow())
          .hash,
      })
      .execute();
    for (const table of tables) {
      await expect(sql`delete from ${sql.table(table)}`.execute(db)).rejects.toThrow('append only');
      const column = table.startsWith('audit_records') ? 'operator' : 'hash';
      await expect(sql`update ${sql.table(table)} set ${sql.ref(column)} = 'x'`.execute(db)).rejects.toThrow(
        'append only',
      );
    }
  });
});
