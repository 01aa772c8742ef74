// Rows and count come from one statement over one query, so they cannot disagree. The exact count of a big table costs a
// hundred pages, so it is exact up to a cap and the planner's estimate beyond. A deep page finds its ids by the index
// first and reads whole rows only for those (deferred join).
import { sql } from 'kysely';
import type { Kysely, SelectQueryBuilder } from 'kysely';
import type { Database } from './database.ts';

/** By the column `id`, or by the id column as the query names it: `{ newest: 'deployTasks.id' }`. */
export type Order = 'newest' | 'oldest' | { newest: string } | { oldest: string };

export interface PageOptions {
  /** From 1. */
  page: number;
  pageSize: number;
  order: Order;
  /** Only rows with a smaller id: keeps later pages of a newest-first list stable while rows are added. */
  beforeId?: number | undefined;
  /** The count is exact up to this; default 10,000. */
  countCap?: number;
}

export interface Page<Row> {
  rows: Row[];
  count: number;
  countIsEstimate: boolean;
}

const deepFrom = 1_000;
const countColumn = 'countOfList';
type Counted<Row> = Row & { [countColumn]: number };

/** One page of `query`, which has neither order nor limit; past the end it is empty. */
export async function paginate<DB, TB extends keyof DB, Row>(
  query: SelectQueryBuilder<DB, TB, Row>,
  { page, pageSize, order, beforeId, countCap = 10_000 }: PageOptions,
): Promise<Page<Row>> {
  const { id, direction } = orderOf(order);
  const matching = beforeId === undefined ? query : query.where(sql<boolean>`${id} < ${beforeId}`);
  const offset = (page - 1) * pageSize;
  const ordered = matching.orderBy(id, direction);
  const ids = ordered.clearSelect().select(id.as('id')).limit(pageSize).offset(offset);
  const slice =
    offset < deepFrom
      ? ordered.limit(pageSize).offset(offset)
      : query.where(sql<boolean>`${id} in (${ids})`).orderBy(id, direction);
  const all = matching.clearSelect().select(sql<number>`1`.as('one'));
  const counting = sql<number>`(select count(*) from (${all.limit(countCap + 1)}) as capped)`.as(countColumn);
  const found = (await slice.select(counting).execute()) as Counted<Row>[];
  // A page past the end has no row that could carry the count: any row of the query does, and without one it is 0.
  const anyRow = () => matching.clearSelect().select(counting).limit(1).executeTakeFirst();
  const carrier = found[0] ?? (offset > 0 ? await anyRow() : undefined);
  const exact = (carrier as Counted<unknown> | undefined)?.[countColumn] ?? 0;
  const rows = found.map(withoutCount);
  if (exact <= countCap) return { rows, count: exact, countIsEstimate: false };
  const estimate = await estimatedRows(all);
  return { rows, count: Math.max(estimate, exact, offset + rows.length), countIsEstimate: true };
}

function orderOf(order: Order) {
  if (order === 'newest') return { id: sql.ref<number>('id'), direction: 'desc' } as const;
  if (order === 'oldest') return { id: sql.ref<number>('id'), direction: 'asc' } as const;
  if ('newest' in order) return { id: sql.ref<number>(order.newest), direction: 'desc' } as const;
  return { id: sql.ref<number>(order.oldest), direction: 'asc' } as const;
}

function withoutCount<Row>({ [countColumn]: _count, ...row }: Counted<Row>): Row {
  return row as unknown as Row;
}

interface Plan {
  'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }];
}

async function estimatedRows<DB, TB extends keyof DB, Row>(query: SelectQueryBuilder<DB, TB, Row>): Promise<number> {
  const [row] = await query.explain<Plan>('json');
  return row?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0;
}

/** How many rows a query has. */
export async function countOf<DB, TB extends keyof DB, Row>(
  db: Kysely<Database>,
  query: SelectQueryBuilder<DB, TB, Row>,
): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) from (${query}) as counted`.execute(db);
  return rows[0]?.count ?? 0;
}
