import { sql } from 'kysely';
import { clearRate, giveBackRate, takeRate } from '../../db/coordination/rate-limits.ts';
import { removeEnded } from '../../db/coordination/bounded-deletions.ts';
import { testDatabase, type TestDatabase } from '../support/harness.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

const rule = { limit: 5, windowSeconds: 900 };
const take = (key: string) => takeRate(database.db, key, rule);

test('of a burst over several processes exactly the limit gets through', async () => {
  const other = database.connect(5);
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, n) => takeRate(n % 2 === 0 ? database.db : other, 'login:ann', rule)),
  );
  expect(answers.filter(({ allowed }) => allowed)).toHaveLength(5);
  expect(await takeRate(other, 'login:bob', rule)).toEqual({ allowed: true, retryAfterSeconds: 0 });
});

test('the window slides: room comes when the oldest event leaves it, and the wait is returned', async () => {
  await sql`insert into rate_events (key, time) select 'slide', now() - n * interval '100 s' from generate_series(1, 5) n`.execute(
    database.db,
  );
  const refused = await take('slide');
  expect(refused.allowed).toBe(false);
  expect(refused.retryAfterSeconds).toBeGreaterThanOrEqual(399);
  expect(refused.retryAfterSeconds).toBeLessThanOrEqual(400);
  await sql`update rate_events set time = time - interval '401 s' where key = 'slide'`.execute(database.db);
  expect((await take('slide')).allowed).toBe(true);
});

test('returned and cleared events do not count', async () => {
  for (let n = 0; n < 20; n++) {
    expect((await take('back')).allowed).toBe(true);
    await giveBackRate(database.db, 'back');
  }
  for (let n = 0; n < 5; n++) await take('clear');
  await clearRate(database.db, 'clear');
  expect((await take('clear')).allowed).toBe(true);
});

test('old events are deleted', async () => {
  await sql`insert into rate_events (key, time) values ('old', now() - interval '25 h')`.execute(database.db);
  await removeEnded(database.db, new Date());
  const left = await database.db.selectFrom('rateEvents').select('key').where('key', '=', 'old').execute();
  expect(left).toEqual([]);
});
