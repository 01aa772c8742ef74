// Which rows of a list are on a page. Few are looked for all at once, and cut. Of many the page is mostly near the beginning,
// to which a walk is short. If not, its rows lie together further on, and a walk to them might read the whole table: so many
// rows are read then as the list has, and if the page isn't among them either, all of the list is sorted.
import { AliasNode, ExpressionWrapper, FromNode, IdentifierNode, sql, TableNode } from 'kysely';
import type { Expression, RawBuilder, SelectQueryNode } from 'kysely';

// So many rows from the beginning are read for each row up to the page's end: a list of one row in 250, wherever they are, has
// its page among them.
const nearRowsPerRow = 250;
const mostNearRows = 20_000;
/** Instead of a count: it is over the cap, and the page is not near. */
export const notNear = -1;

interface Selection extends Expression<unknown> {
  toOperationNode(): SelectQueryNode;
}

/** Of a list in its order. */
export interface Slice {
  /** Selects the ids as `id`. */
  all: Selection;
  /** The id column, as the query names it. */
  by: string;
  direction: 'asc' | 'desc';
  pageSize: number;
  offset: number;
}

/** Ids of a page as an array, and the common table expressions that it reads. */
interface Ids {
  cte: RawBuilder<unknown>;
  ids: RawBuilder<unknown>;
}

const cut = ({ direction, pageSize, offset }: Slice, key = 'id') =>
  sql.raw(`order by ${key} ${direction} limit ${pageSize} offset ${offset}`);

const walked = (slice: Slice) => sql`array(select id from matching ${cut(slice)})`;

/**
 * The ids of a page and the count of its list. The count is `notNear` if it is over the cap and the page not near; then the
 * only id is one of the list.
 */
export function countedIds(slice: Slice, countCap: number, isFiltered: boolean): Ids & { count: RawBuilder<number> } {
  const { all, pageSize, offset } = slice;
  const found = sql<number>`(select count from found)`;
  const capped = sql`from (select id from matching limit ${sql.lit(countCap + 1)}) as capped`;
  // Written once and planned for each of its uses.
  const cte = sql`matching as not materialized (${all})`;
  if (!isFiltered)
    return { cte: sql`${cte}, found as (select count(*) as count ${capped})`, ids: walked(slice), count: found };
  const isFound = sql`${found} <= ${sql.lit(countCap)}`;
  const foundIds = sql`array(select unnest(ids) as id from found ${cut(slice)})`;
  const filtered = sql`${cte}, found as materialized (select count(*) as count, array_agg(id) as ids ${capped})`;
  const near = nearIds(slice, Math.min(nearRowsPerRow * (offset + pageSize), mostNearRows));
  if (!near)
    return { cte: filtered, ids: sql`case when ${isFound} then ${foundIds} else ${walked(slice)} end`, count: found };
  return {
    cte: sql`${filtered}, ${near.cte}`,
    // One of what is found carries the count.
    ids: sql`case when ${isFound} then ${foundIds} when ${near.areAll} then ${near.ids} else (select ids[1:1] from found) end`,
    count: sql`case when ${isFound} or ${near.areAll} then ${found} else ${sql.lit(notNear)} end`,
  };
}

/** The ids of a page of a list of so many rows. */
export function idsBeyondCap(slice: Slice, estimate: number): Ids {
  const cte = sql`matching as not materialized (${slice.all})`;
  const near = nearIds(slice, Math.max(estimate, nearRowsPerRow * (slice.offset + slice.pageSize)));
  if (!near) return { cte, ids: walked(slice) };
  return {
    cte: sql`${cte}, ${near.cte}`,
    // By no order of an index.
    ids: sql`case when ${near.areAll} then ${near.ids} else array(select id from matching ${cut(slice, 'id + 0')}) end`,
  };
}

/** The page's ids as far as they are among the first rows of the table that orders it, if the query begins with that. */
function nearIds(slice: Slice, rows: number): (Ids & { areAll: RawBuilder<boolean> }) | undefined {
  const { all, by, direction, pageSize } = slice;
  const node = all.toOperationNode();
  const [table, ...others] = node.from?.froms ?? [];
  if (!table || others.length > 0 || !TableNode.is(table)) return undefined;
  const { name } = table.table.identifier;
  if (by !== 'id' && by !== `${name}.id`) return undefined;
  const first = sql`(table ${sql.table(name)} order by id ${sql.raw(direction)} limit ${rows}::bigint)`;
  const from = FromNode.create([AliasNode.create(first.toOperationNode(), IdentifierNode.create(name))]);
  const limited: SelectQueryNode = { ...node, from };
  const among = new ExpressionWrapper(limited);
  return {
    cte: sql`near as materialized (select array(select id from (${among}) as among ${cut(slice)}) as ids)`,
    ids: sql`(select ids from near)`,
    areAll: sql`(select cardinality(ids) from near) = ${sql.lit(pageSize)}`,
  };
}
