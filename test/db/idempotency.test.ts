import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../db/database.ts';
import {
  claimCommand,
  claimInChange,
  holdingCommand,
  releaseCommand,
  storeAnswer,
} from '../../db/coordination/idempotency.ts';
import { removeEnded } from '../../db/coordination/bounded-deletions.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { eventually, testDatabase, unique, type TestDatabase } from '../support/harness.ts';

let database: TestDatabase;
let db: Kysely<Database>;
let userId: number;
beforeAll(async () => {
  database = await testDatabase();
  db = database.db;
  const user = { username: 'ann', name: 'ann', email: 'ann@example.com' };
  userId = (await db.insertInto('users').values(user).returning('id').executeTakeFirstOrThrow()).id;
});
afterAll(() => database.close());

const request = (requestHash = 'h') => ({ userId, key: unique(), requestHash });
const age = (key: string, interval: string) =>
  db
    .updateTable('idempotencyKeys')
    .set({ createdTime: sql`now() - ${interval}::interval` })
    .where('key', '=', key)
    .execute();
const ageOf = async (key: string): Promise<number> => {
  const seconds = sql<number>`extract(epoch from now() - created_time)::float8`.as('seconds');
  return (await db.selectFrom('idempotencyKeys').select(seconds).where('key', '=', key).executeTakeFirstOrThrow())
    .seconds;
};
const answer = { status: 201, response: { id: 1, list: [1, 2] } };

async function problemOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof Problem) return error.problem;
  throw new Error('no problem was thrown', { cause: error });
}

function change(keyed: ReturnType<typeof request>, work: (tx: Kysely<Database>) => Promise<void>) {
  return db.transaction().execute(async (tx) => {
    const kept = await claimInChange(tx, keyed);
    if (kept) return kept;
    await work(tx);
    await storeAnswer(tx, keyed, answer);
    return undefined;
  });
}

test('fifty concurrent requests under one key do the work once and all get its response', async () => {
  const keyed = request();
  const work = jest.fn((tx: Kysely<Database>) => sql`select pg_sleep(0.05)`.execute(tx).then(() => undefined));
  const answers = await Promise.all(Array.from({ length: 50 }, () => change(keyed, work)));
  expect(work).toHaveBeenCalledTimes(1);
  expect(answers.filter((kept) => kept === undefined)).toHaveLength(1);
  expect(answers.filter((kept) => kept?.status === 201)).toHaveLength(49);
  expect(answers.find((kept) => kept)).toEqual(answer);
});

test('the key of a rolled-back change is free', async () => {
  const keyed = request();
  await expect(change(keyed, () => Promise.reject(new Error('undo')))).rejects.toThrow('undo');
  expect(await change(keyed, () => Promise.resolve())).toBeUndefined();
});

test('another request under the same key is refused', async () => {
  const keyed = request();
  await change(keyed, () => Promise.resolve());
  expect(await problemOf(change({ ...keyed, requestHash: 'other' }, () => Promise.resolve()))).toBe(
    'idempotency_mismatch',
  );
  expect(await problemOf(claimCommand(db, { ...keyed, requestHash: 'other' }))).toBe('idempotency_mismatch');
});

test('a change that runs too long is reported as pending, and the waiter has no effect', async () => {
  const keyed = request();
  const first = await db.startTransaction().execute();
  await claimInChange(first, keyed);
  const second = db.transaction().execute(async (tx) => {
    await sql`set local lock_timeout = '200ms'`.execute(tx);
    await claimInChange(tx, keyed);
  });
  expect(await problemOf(second)).toBe('idempotency_pending');
  await first.rollback().execute();
});

test('a key expires after 24 hours', async () => {
  const keyed = request();
  await change(keyed, () => Promise.resolve());
  await age(keyed.key, '24 hours 1 second');
  expect(await change({ ...keyed, requestHash: 'other' }, () => Promise.resolve())).toBeUndefined();
  await age(keyed.key, '24 hours 1 second');
  await removeEnded(db, new Date());
  expect(await db.selectFrom('idempotencyKeys').select('key').where('key', '=', keyed.key).execute()).toEqual([]);
});

test('repetitions of a running command wait for its response', async () => {
  const keyed = request();
  expect(await claimCommand(db, keyed)).toBeUndefined();
  expect(await problemOf(claimCommand(db, keyed, 150))).toBe('idempotency_pending');
  const waiting = claimCommand(db, keyed);
  await storeAnswer(db, keyed, answer);
  expect(await waiting).toEqual(answer);
});

test('a running command keeps its key, however long it takes', async () => {
  const keyed = request();
  await claimCommand(db, keyed);
  await holdingCommand(db, keyed, async () => {
    await age(keyed.key, '61 seconds');
    await eventually(async () => (await ageOf(keyed.key)) < 8, { timeout: 20_000 });
    expect(await problemOf(claimCommand(db, keyed, 150))).toBe('idempotency_pending');
  });
});

test('a command that failed may be sent again; one of a crashed process is taken over once', async () => {
  const keyed = request();
  await claimCommand(db, keyed);
  await releaseCommand(db, keyed);
  expect(await claimCommand(db, keyed)).toBeUndefined();
  await age(keyed.key, '9 seconds');
  const claims = await Promise.all(
    [claimCommand(db, keyed, 200), claimCommand(db, keyed, 200)].map((claim) => claim.catch((error: unknown) => error)),
  );
  expect(claims.filter((claim) => claim === undefined)).toHaveLength(1);
});
