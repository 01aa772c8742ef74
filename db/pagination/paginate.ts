// Rows and count come from one statement over one query, so they cannot disagree. Counting a big table reads a hundred
// pages, so the count is exact up to a cap and the planner's estimate beyond. Up to the cap the found ids are sorted; beyond
// it the list is walked in its order. Whole rows are read only for the page's ids (deferred join).
import { sql } from 'kysely';
import type { Kysely, SelectQueryBuilder } from 'kysely';
import type { Database } from '../database.ts';

/** By the column `id`, or by the id column as the query names it: `{ newest: 'deployTasks.id' }`. */
export type Order = 'newest' | 'oldest' | { newest: string } | { oldest: string };

interface PageOptions {
  /** From 1. */
  page: number;
  pageSize: number;
  order: Order;
  /** Only rows with a smaller id: keeps later pages of a newest-first list stable while rows are added. */
  beforeId?: number | undefined;
  /** The count is exact up to this; default 10,000. */
  countCap?: number;
}

interface Page<Row> {
  rows: Row[];
  count: number;
  countIsEstimate: boolean;
}

/** The default page size of lists. */
export const usualPageSize = 10;

/** One page of `query`, which must have neither order nor limit; empty past the end. */
export async function paginate<DB, TB extends keyof DB, Row>(
  db: Kysely<Database>,
  query: SelectQueryBuilder<DB, TB, Row>,
  { page, pageSize, order, beforeId, countCap = 10_000 }: PageOptions,
): Promise<Page<Row>> {
  const { by, direction } = orderOf(order);
  const id = sql.ref<number>(by);
  const matching = beforeId === undefined ? query : query.where(sql<boolean>`${id} < ${beforeId}`);
  const all = matching.clearSelect().select(id.as('id'));
  const offset = (page - 1) * pageSize;
  const cut = sql.raw(`order by id ${direction} limit ${pageSize} offset ${offset}`);
  const cap = sql.lit(countCap);
  const ids = sql`case when (select count from found) <= ${cap} then array(select unnest(ids) as id from found ${cut})
    else array(select id from (${all}) as list ${cut}) end`;
  const rowsOfPage = ofIds(query)
    .where(sql<boolean>`${id} = any(${ids})`)
    .orderBy(id, direction)
    .select(sql<number>`(select count from found)`.as(countColumn));
  const { rows: counted } = await sql<Counted<Row>>`
    with found as materialized (select count(*) as count, array_agg(id) as ids from (${all.limit(countCap + 1)}) as capped)
    ${rowsOfPage}`.execute(db);
  // A page past the end has no row to carry the count.
  const count = counted[0]?.[countColumn] ?? (offset > 0 ? await countOf(db, all.limit(countCap + 1)) : 0);
  const rows = counted.map(withoutCount);
  if (count <= countCap) return { rows, count, countIsEstimate: false };
  const end = rows.length > 0 ? offset + rows.length : 0;
  return { rows, count: Math.max(await estimateOf(all), countCap + 1, end), countIsEstimate: true };
}

const countColumn = 'countOfList';
type Counted<Row> = Row & { [countColumn]: number };

/** A query for looking up the found ids, without the filters if an id alone identifies a row. */
function ofIds<DB, TB extends keyof DB, Row>(query: SelectQueryBuilder<DB, TB, Row>) {
  const { from, joins } = query.toOperationNode();
  return from?.froms.length === 1 && joins === undefined ? query.clearWhere() : query;
}

function orderOf(order: Order) {
  if (order === 'newest') return { by: 'id', direction: 'desc' } as const;
  if (order === 'oldest') return { by: 'id', direction: 'asc' } as const;
  if ('newest' in order) return { by: order.newest, direction: 'desc' } as const;
  return { by: order.oldest, direction: 'asc' } as const;
}

// Deleted in place, as it is the last column: copying the other columns takes several times as long.
function withoutCount<Row>(row: Counted<Row>): Row {
  Reflect.deleteProperty(row, countColumn);
  return row;
}

interface Plan {
  'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }];
}

/** The planner's estimate of a query's rows. */
async function estimateOf<DB, TB extends keyof DB, Row>(query: SelectQueryBuilder<DB, TB, Row>): Promise<number> {
  const [row] = await query.explain<Plan>('json');
  return row?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0;
}

/** The exact row count of a query. */
export async function countOf<DB, TB extends keyof DB, Row>(
  db: Kysely<Database>,
  query: SelectQueryBuilder<DB, TB, Row>,
): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) from (${query}) as counted`.execute(db);
  return rows[0]?.count ?? 0;
}
