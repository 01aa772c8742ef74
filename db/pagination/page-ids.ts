// Selects the ids of a page. Small result sets are fetched and sorted; large ones are scanned in index order, but over at
// most as many rows as the list has: if the matches are clustered further on, the scan could read the whole table, and
// sorting is cheaper.
import { AliasNode, ExpressionWrapper, FromNode, IdentifierNode, sql, TableNode } from 'kysely';
import type { Expression, RawBuilder, SelectQueryNode } from 'kysely';
import { names } from '../core/snake-case.ts';

interface Selection extends Expression<unknown> {
  toOperationNode(): SelectQueryNode;
}

/** A page of a list in its order. */
interface Slice {
  /** Selects the ids as `id`. */
  all: Selection;
  /** The id column, as the query names it. */
  by: string;
  direction: 'asc' | 'desc';
  pageSize: number;
  offset: number;
}

/** Ids of a page as an array, and the common table expressions that it needs. */
interface Ids {
  cte: RawBuilder<unknown>;
  ids: RawBuilder<unknown>;
}

const cut = ({ direction, pageSize, offset }: Slice, key = 'id') =>
  sql.raw(`order by ${key} ${direction} limit ${pageSize} offset ${offset}`);

const matching = ({ all }: Slice) => sql`matching as not materialized (${all})`;
const walked = (slice: Slice) => sql`array(select id from matching ${cut(slice)})`;

/**
 * The ids of a page and the count of its list. Beyond the cap of a filtered list there is a single id, any of the list, to
 * carry the count.
 */
export function countedIds(slice: Slice, countCap: number, isFiltered: boolean): Ids & { count: RawBuilder<number> } {
  const capped = sql`from (select id from matching limit ${sql.lit(countCap + 1)}) as capped`;
  const count = sql<number>`(select count from found)`;
  if (!isFiltered)
    return { cte: sql`${matching(slice)}, found as (select count(*) as count ${capped})`, ids: walked(slice), count };
  return {
    cte: sql`${matching(slice)}, found as materialized (select count(*) as count, array_agg(id) as ids ${capped})`,
    ids: sql`case when ${count} <= ${sql.lit(countCap)} then array(select unnest(ids) as id from found ${cut(slice)})
      else (select ids[1:1] from found) end`,
    count,
  };
}

/** The ids of a page of a list beyond its cap, with an estimated row count. */
export function idsBeyondCap(slice: Slice, estimate: number, isFiltered: boolean): Ids {
  const among = isFiltered && amongFirst(slice, estimate);
  if (!among) return { cte: matching(slice), ids: walked(slice) };
  return {
    cte: sql`${matching(slice)}, near as materialized (select array(select id from (${among}) as among ${cut(slice)}) as ids)`,
    // Prevents use of an index order.
    ids: sql`case when (select cardinality(ids) from near) = ${sql.lit(slice.pageSize)} then (select ids from near)
      else array(select id from matching ${cut(slice, 'id + 0')}) end`,
  };
}

/** The list restricted to the first rows of the table that orders it, if the query starts from that table. */
function amongFirst(slice: Slice, estimate: number): Expression<unknown> | undefined {
  const { all, by, direction, pageSize, offset } = slice;
  const node = all.toOperationNode();
  const [table, ...others] = node.from?.froms ?? [];
  if (!table || others.length > 0 || !TableNode.is(table)) return undefined;
  const { name } = table.table.identifier;
  if (by !== 'id' && by !== `${name}.id`) return undefined;
  // As many as the list has; none if the page would not be among them though its rows were everywhere alike.
  const rows = sql`(select case when ${estimate}::float8 * ${estimate} > ${offset + pageSize} * reltuples then ${estimate}::bigint else 0 end
    from pg_class where oid = to_regclass(${names.inDatabase(name)}))`;
  const first = sql`(table ${sql.table(name)} order by id ${sql.raw(direction)} limit ${rows})`;
  const from = FromNode.create([AliasNode.create(first.toOperationNode(), IdentifierNode.create(name))]);
  const limited: SelectQueryNode = { ...node, from };
  return new ExpressionWrapper(limited);
}
