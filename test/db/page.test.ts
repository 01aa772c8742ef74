import { sql } from 'kysely';
import pg from 'pg';
import { paginate } from '../../db/pagination/paginate.ts';
import { testDatabase, type TestDatabase } from '../support/harness.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
  await sql`insert into productions (name, creator) select 'p' || n, case when n % 2 = 0 then 'ann' else 'bob' end
    from generate_series(1, 2500) n`.execute(database.db);
  await sql`analyze productions`.execute(database.owner);
});
afterAll(() => database.close());

const query = () => database.db.selectFrom('productions').selectAll();
const ids = (rows: { id: number }[]) => rows.map(({ id }) => id);
const down = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, n) => from - n);

test('pages follow each other without gap or repetition, also where they are deep', async () => {
  const seen: number[] = [];
  for (let page = 1; page <= 10; page++) {
    const { rows, count, countIsEstimate } = await paginate(database.db, query(), {
      page,
      pageSize: 250,
      order: 'newest',
    });
    seen.push(...ids(rows));
    expect([count, countIsEstimate]).toEqual([2500, false]);
    expect(Object.keys(rows[0] ?? {}).sort()).toEqual(['createdTime', 'creator', 'description', 'id', 'name']);
  }
  expect(seen).toEqual(down(2500, 1));
  const { rows } = await paginate(database.db, query(), { page: 2, pageSize: 3, order: 'oldest' });
  expect(ids(rows)).toEqual([4, 5, 6]);
});

test('rows and count obey the same filter', async () => {
  const filtered = query().where('creator', '=', 'ann');
  const { rows, count } = await paginate(database.db, filtered, { page: 1, pageSize: 2, order: 'newest' });
  expect([ids(rows), count]).toEqual([[2500, 2498], 1250]);
  const deep = await paginate(database.db, filtered, { page: 1250, pageSize: 1, order: 'newest' });
  expect([ids(deep.rows), deep.count]).toEqual([[2], 1250]);
});

test('a page past the end is empty and still counts; an empty list counts 0', async () => {
  for (const page of [4, 1_000_000])
    expect(await paginate(database.db, query(), { page, pageSize: 1000, order: 'newest' })).toEqual({
      rows: [],
      count: 2500,
      countIsEstimate: false,
    });
  const none = query().where('name', '=', 'none');
  expect(await paginate(database.db, none, { page: 1, pageSize: 10, order: 'oldest' })).toMatchObject({
    rows: [],
    count: 0,
  });
});

test('beyond the cap the count is marked as an estimate and is not less than the rows known', async () => {
  const page = await paginate(database.db, query(), { page: 3, pageSize: 10, order: 'newest', countCap: 100 });
  expect(ids(page.rows)).toEqual(down(2480, 2471));
  expect(page).toMatchObject({ count: 2500, countIsEstimate: true });
  const exactly = await paginate(database.db, query(), { page: 1, pageSize: 10, order: 'newest', countCap: 2500 });
  expect(exactly).toMatchObject({ count: 2500, countIsEstimate: false });
});

test.each(['newest', 'oldest'] as const)('a list without filters has the same pages and counts (%s)', async (order) => {
  for (const [page, pageSize, countCap] of [
    [1, 10, 10_000],
    [2, 700, 2500],
    [4, 1000, 10_000],
    [3, 10, 100],
  ] as const) {
    const asked = { page, pageSize, order, countCap };
    expect(await paginate(database.db, query(), { ...asked, isFiltered: false })).toEqual(
      await paginate(database.db, query(), asked),
    );
  }
});

test('few rows are cut into pages in either order, each row once', async () => {
  const few = query().where('id', '<=', 7);
  for (const [order, whole] of [
    ['newest', down(7, 1)],
    ['oldest', down(7, 1).reverse()],
  ] as const)
    for (const [page, from] of [1, 2, 3].map((page) => [page, (page - 1) * 3] as const)) {
      const { rows, count } = await paginate(database.db, few, { page, pageSize: 3, order });
      expect([ids(rows), count]).toEqual([whole.slice(from, from + 3), 7]);
    }
});

describe('a list beyond its cap', () => {
  const capped = { pageSize: 2, countCap: 100 } as const;

  test.each([
    ['newest', 'all near', (id: number) => id > 2200],
    ['newest', 'no further than it has rows', (id: number) => id <= 1900],
    ['newest', 'together at the end', (id: number) => id <= 700],
    ['oldest', 'together at the end', (id: number) => id > 1800],
    ['oldest', 'here and there', (id: number) => id % 20 === 0],
  ] as const)('has its pages wherever its rows are, at first and again (%s first, %s)', async (order, _, isOf) => {
    const all = Array.from({ length: 2500 }, (_unused, index) => index + 1).filter(isOf);
    if (order === 'newest') all.reverse();
    for (const page of [1, 2, 40, Math.ceil(all.length / 2), 2000]) {
      // Another list, whose count is not cached yet.
      const list = query().where('id', 'in', all).where('name', '<>', `none-${order}-${page}`);
      for (const time of ['first', 'again']) {
        const { rows, countIsEstimate } = await paginate(database.db, list, { ...capped, order, page });
        const expected = [page, time, all.slice((page - 1) * 2, page * 2), true];
        expect([page, time, ids(rows), countIsEstimate]).toEqual(expected);
      }
    }
  });

  test('is not counted again some seconds long, whatever its page', async () => {
    const sent = jest.spyOn(pg.Client.prototype, 'query');
    const list = query().where('creator', 'in', ['ann', 'bob']);
    for (const page of [1, 2, 3]) await paginate(database.db, list, { ...capped, order: 'newest', page });
    const texts = sent.mock.calls.map(([text]) => text);
    sent.mockRestore();
    expect(texts.map((text) => /^explain/.test(text))).toEqual([false, true, false, false, false]);
    expect(texts.map((text) => text.includes('count('))).toEqual([true, false, false, false, false]);
  });

  test('is walked in its order where it begins with another table', async () => {
    await sql`insert into roles (name, creator) select 'r' || n, 'test' from generate_series(1, 600) n`.execute(
      database.db,
    );
    const joined = database.db
      .selectFrom('roles')
      .innerJoin('productions', (join) => join.onRef('productions.name', '=', sql`'p' || (701 - roles.id)`))
      .select('productions.id');
    const { rows } = await paginate(database.db, joined, { ...capped, page: 1, order: { newest: 'productions.id' } });
    const first = await database.db
      .selectFrom('roles')
      .select((eb) => eb.fn.min<number>('id').as('id'))
      .executeTakeFirst();
    expect(ids(rows)).toEqual(down(701 - Number(first?.id), 700 - Number(first?.id)));
  });
});

test('a joined query is ordered by the column that it names, with what it selected', async () => {
  const joined = database.db
    .selectFrom('productions')
    .innerJoin('productions as other', 'other.id', 'productions.id')
    .select(['productions.id', 'other.name as otherName']);
  for (const page of [1, 1500]) {
    const { rows, count } = await paginate(database.db, joined, {
      page,
      pageSize: 1,
      order: { newest: 'productions.id' },
    });
    expect([rows, count]).toEqual([[{ id: 2501 - page, otherName: `p${2501 - page}` }], 2500]);
  }
});

test('with beforeId later pages stay where they were while rows are added', async () => {
  const first = await paginate(database.db, query(), { page: 1, pageSize: 10, order: 'newest' });
  const beforeId = (first.rows[0]?.id ?? 0) + 1;
  await sql`insert into productions (name, creator) select 'late' || n, 'eve' from generate_series(1, 7) n`.execute(
    database.db,
  );
  const second = await paginate(database.db, query(), { page: 2, pageSize: 10, order: 'newest', beforeId });
  expect([ids(second.rows), second.count]).toEqual([down(2490, 2481), 2500]);
  const deep = await paginate(database.db, query(), { page: 2000, pageSize: 1, order: 'newest', beforeId });
  expect([ids(deep.rows), deep.count]).toEqual([[501], 2500]);
});

test('the plan of a first page is kept where one does for all values, and its rows and count obey each value', async () => {
  const { db } = database;
  const of = (creator: string) => db.selectFrom('productions').where('creator', '=', creator).select(['id', 'name']);
  await db.connection().execute(async (one) => {
    const ask = async (creator: string, options: { page?: number; pageSize?: number; keepPlan?: boolean } = {}) => {
      const asked = { page: 1, pageSize: 10, order: 'newest', keepPlan: true, ...options } as const;
      const { rows, count } = await paginate(one, of(creator), asked);
      return [rows[0]?.id, count];
    };
    const kept = async () =>
      (await sql`select from pg_prepared_statements where statement like '%productions%'`.execute(one)).rows.length;
    await ask('ann', { keepPlan: false });
    await ask('ann', { page: 2 });
    await ask('ann', { pageSize: 11 });
    expect(await kept()).toBe(0);
    // PostgreSQL may keep one plan for all values from the sixth execution on.
    for (let n = 0; n < 7; n += 1) expect(await ask('ann')).toEqual([2500, 1250]);
    expect(await ask('bob')).toEqual([2499, 1250]);
    expect(await ask('nobody')).toEqual([undefined, 0]);
    expect(await kept()).toBe(1);
  });
});
