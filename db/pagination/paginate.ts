// Rows and count come from one statement over one query, so they cannot disagree. Counting a big table reads a hundred
// pages, so the count is exact up to a cap and the planner's estimate beyond. A filtered list is searched once up to the
// cap, for both page and count; a list found beyond the cap seconds ago is not counted again. Whole rows are read only for
// the page's ids (deferred join).
import { sql } from 'kysely';
import type { Kysely, RawBuilder, SelectQueryBuilder } from 'kysely';
import type { Database } from '../database.ts';
import { estimatedRows, keptEstimate } from './row-estimates.ts';
import { countedIds, idsBeyondCap } from './page-ids.ts';
import { nameStatement } from '../core/prepared-statements.ts';

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
  /** Whether a filter narrows it (default); for a whole table the page is scanned directly, without collecting ids. */
  isFiltered?: boolean;
  /**
   * Whether one plan serves all values of the query, which must have few distinct texts; PostgreSQL then keeps the plan of
   * the first page. Columns must be named: `*` would fail after a migration that adds one.
   */
  keepPlan?: boolean;
}

interface Page<Row> {
  rows: Row[];
  count: number;
  countIsEstimate: boolean;
}

/** The default page size of lists. */
export const usualPageSize = 10;

const countColumn = 'countOfList';
type Counted<Row> = Row & { [countColumn]: number };

/** One page of `query`, which must have neither order nor limit; empty past the end. */
export async function paginate<DB, TB extends keyof DB, Row>(
  db: Kysely<Database>,
  query: SelectQueryBuilder<DB, TB, Row>,
  { page, pageSize, order, beforeId, countCap = 10_000, isFiltered = true, keepPlan = false }: PageOptions,
): Promise<Page<Row>> {
  const { by, direction } = orderOf(order);
  const id = sql.ref<number>(by);
  const matching = beforeId === undefined ? query : query.where(sql<boolean>`${id} < ${beforeId}`);
  const all = matching.clearSelect().select(id.as('id'));
  const offset = (page - 1) * pageSize;
  const slice = { all, by, direction, pageSize, offset };
  const rowsOf = (ids: RawBuilder<unknown>) =>
    ofIds(query)
      .where(sql<boolean>`${id} = any(${ids})`)
      .orderBy(id, direction);
  const send = <R>(statement: RawBuilder<R>) => {
    const compiled = statement.compile(db);
    if (keepPlan && page === 1 && pageSize === usualPageSize) nameStatement(compiled.sql);
    return db.executeQuery(compiled);
  };
  const rowsBeyondCap = async (estimate: number): Promise<Row[]> => {
    const { cte, ids } = idsBeyondCap(slice, estimate, isFiltered);
    return (await send(sql<Row>`with ${cte} ${rowsOf(ids)}`)).rows;
  };
  const beyondCap = (estimate: number, rows: Row[]): Page<Row> => {
    const end = rows.length > 0 ? offset + rows.length : 0;
    return { rows, count: Math.max(estimate, end), countIsEstimate: true };
  };
  const kept = keptEstimate(db, all, countCap);
  if (kept !== undefined) return beyondCap(kept, await rowsBeyondCap(kept));
  const { cte, ids, count } = countedIds(slice, countCap, isFiltered);
  const { rows: carriers } = await send(sql<Counted<Row>>`with ${cte} ${rowsOf(ids).select(count.as(countColumn))}`);
  // A page past the end has no row to carry the count.
  const counted = carriers[0]?.[countColumn] ?? (offset > 0 ? await countOf(db, all.limit(countCap + 1)) : 0);
  const rows = carriers.map(withoutCount);
  if (counted <= countCap) return { rows, count: counted, countIsEstimate: false };
  const estimate = await estimatedRows(db, all, countCap);
  return beyondCap(estimate, isFiltered ? await rowsBeyondCap(estimate) : rows);
}

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

/** The exact row count of a query. */
export async function countOf<DB, TB extends keyof DB, Row>(
  db: Kysely<Database>,
  query: SelectQueryBuilder<DB, TB, Row>,
): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) from (${query}) as counted`.execute(db);
  return rows[0]?.count ?? 0;
}
