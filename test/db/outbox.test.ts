import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../db/database.ts';
import { createListener, type Listener } from '../../db/coordination/listen.ts';
import { createAcknowledger, enqueue } from '../../db/coordination/outbox.ts';
import { relay, type OutboxHandler } from '../../db/coordination/outbox-relay.ts';
import { eventually, testDatabase, type TestDatabase } from '../support/harness.ts';

let database: TestDatabase;
let db: Kysely<Database>;
let listen: Listener;
const log = { warn: jest.fn() };
beforeAll(async () => {
  database = await testDatabase();
  db = database.db;
  listen = createListener(database.url, log);
});
afterEach(async () => {
  await Promise.all(relays.splice(0).map((one) => one.stop()));
  await db.deleteFrom('outbox').execute();
});
afterAll(async () => {
  await listen.close();
  await database.close();
});

const rows = () => db.selectFrom('outbox').selectAll().orderBy('id').execute();
const makeDue = () =>
  db
    .updateTable('outbox')
    .set({ nextAttemptTime: sql`now() - interval '1 s'` })
    .execute();
const relays: { stop(): Promise<void> }[] = [];

function start(handler: OutboxHandler, pollMs = 50) {
  const running = relay({ db, listen, log, pollMs, handlers: { start: handler } });
  relays.push(running);
  return running;
}

test('work that rolled back is never done, work that committed is', async () => {
  const done: unknown[] = [];
  start((payload) => Promise.resolve(void done.push(payload)));
  const undone = await db.startTransaction().execute();
  await enqueue(undone, 'start', { id: 1 });
  await undone.rollback().execute();
  await db.transaction().execute((tx) => enqueue(tx, 'start', { id: 2 }));
  await eventually(async () => expect(await rows()).toEqual([]));
  expect(done).toEqual([{ id: 2 }]);
});

test('an enqueued row is taken on NOTIFY, long before the next poll', async () => {
  const done: unknown[] = [];
  start((payload) => Promise.resolve(void done.push(payload)), 3_600_000);
  await listen.ready();
  await enqueue(db, 'start', { id: 3 });
  await eventually(() => expect(done).toEqual([{ id: 3 }]));
});

test('work that the database refuses for good is kept for repair, and is not polled all the time', async () => {
  const refused = Object.assign(new Error('no'), { code: '22021' });
  start(() => Promise.reject(refused));
  await listen.ready();
  await enqueue(db, 'start', { id: 4 });
  await eventually(async () => expect((await rows())[0]?.lastError).toContain('no'));
  const [row] = await rows();
  expect(row?.attempts).toBe(1);
  expect((row?.nextAttemptTime.getTime() ?? 0) - Date.now()).toBeGreaterThan(60_000);
});

test('when the creator dies between commit and start, the relay starts it after two seconds, not before', async () => {
  const started: number[] = [];
  start(() => Promise.resolve(void started.push(Date.now())));
  const committed = Date.now();
  await enqueue(db, 'start', { id: 4 }, { byCaller: true });
  await eventually(() => expect(started).toHaveLength(1));
  expect((started[0] ?? 0) - committed).toBeGreaterThanOrEqual(1_900);
});

test('work that its creator acknowledged is not repeated', async () => {
  const handler = jest.fn(() => Promise.resolve());
  const acknowledger = createAcknowledger(db, log);
  for (let n = 0; n < 5; n++) acknowledger.add(await enqueue(db, 'start', { n }, { byCaller: true }));
  await eventually(async () => expect(await rows()).toEqual([]));
  acknowledger.add(await enqueue(db, 'start', {}, { byCaller: true }));
  await acknowledger.stop();
  expect(await rows()).toEqual([]);
  await makeDue();
  const running = start(handler);
  await running.stop();
  expect(handler).not.toHaveBeenCalled();
});

test('two relays share the work without duplicates', async () => {
  const done: number[] = [];
  for (let n = 0; n < 100; n++) await enqueue(db, 'start', { n }, { byCaller: true });
  await makeDue();
  for (let relayed = 0; relayed < 2; relayed++) start(({ n }) => Promise.resolve(void done.push(n as number)));
  await eventually(async () => expect(await rows()).toEqual([]));
  expect(done.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, n) => n));
});

test('failed work is retried with back-off, its error kept without credentials', async () => {
  let failures = 2;
  start(() => {
    if (failures-- > 0) throw new Error('no answer from postgres://slipway:hunter2@db/slipway');
    return Promise.resolve();
  });
  await enqueue(db, 'start', { id: 5 });
  const [row] = await eventually(async () => {
    const found = await rows();
    expect(found[0]?.lastError).toContain('no answer');
    return found;
  });
  expect(row?.lastError).not.toContain('hunter2');
  expect(JSON.stringify(log.warn.mock.calls)).not.toContain('hunter2');
  await eventually(async () => {
    expect((await rows())[0]?.attempts).toBe(2);
    await makeDue();
  });
  await eventually(async () => expect(await rows()).toEqual([]));
});

test('a row leased by a relay that died comes due again; topics of others are left alone', async () => {
  const handler = jest.fn(() => Promise.resolve());
  await enqueue(db, 'start', { id: 6 });
  await enqueue(db, 'mail', { id: 7 });
  await db
    .updateTable('outbox')
    .set({ attempts: 1, nextAttemptTime: sql`now() + interval '60 s'` })
    .where('topic', '=', 'start')
    .execute();
  const first = start(handler);
  await first.stop();
  expect(handler).not.toHaveBeenCalled();
  await makeDue();
  const second = start(handler);
  await eventually(async () => expect((await rows()).map(({ topic }) => topic)).toEqual(['mail']));
  await second.stop();
  expect(handler).toHaveBeenCalledTimes(1);
});
