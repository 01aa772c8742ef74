import { sql } from 'kysely';
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

test('the rows and their count have the same filter', async () => {
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
  ] as const)('has its pages wherever its rows are (%s first, %s)', async (order, _, isOf) => {
    const all = Array.from({ length: 2500 }, (_unused, index) => index + 1).filter(isOf);
    if (order === 'newest') all.reverse();
    for (const page of [1, 2, 40, Math.ceil(all.length / 2), 2000]) {
      const list = query().where('id', 'in', all);
      const { rows, countIsEstimate } = await paginate(database.db, list, { ...capped, order, page });
      expect([page, ids(rows), countIsEstimate]).toEqual([page, all.slice((page - 1) * 2, page * 2), true]);
    }
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
