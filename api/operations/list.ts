import type { SelectQueryBuilder } from 'kysely';
import { z } from 'zod';
import { paginate, type Order } from '../../db/pagination/paginate.ts';
import type { Ctx } from './context.ts';
import { operation } from './endpoint.ts';
import type { Declaration, Endpoint, Input, NoQuery, PathIds } from './endpoint.ts';
import { filtersMatch } from './filter-rights.ts';
import { pageOf, paging } from './schemas.ts';

type ListDeclaration<
  Path extends string,
  P extends z.ZodObject,
  F extends z.ZodObject,
  Item extends z.ZodType,
  A,
> = Omit<Declaration<Path, P, F, z.ZodUndefined, Item, A>, 'method' | 'query' | 'returns' | 'body'> & {
  /** Query parameters besides paging. */
  filter?: F;
  item: Item;
};

/** The requested page. */
export interface PageRequest {
  page: number;
  pageSize: number;
}

interface Loaded<Item> {
  items: Item[];
  count: number;
  /** Extra query parameters of links to other pages: the list's position. */
  linked?: Record<string, string>;
  /** For lists too long to count: a full page, not the count, then indicates that another follows. */
  countIsEstimate?: boolean;
}

/** A list whose rows do not come from one query; `load` returns the items of a page and the total count. */
export function loadedList<
  const Path extends string,
  Item extends z.ZodType,
  P extends z.ZodObject = PathIds<Path>,
  F extends z.ZodObject = NoQuery,
  A = unknown,
>(
  declaration: ListDeclaration<Path, P, F, Item, A> & {
    load(input: Input<P, F, z.ZodUndefined>, ctx: Ctx<A>, page: PageRequest): Promise<Loaded<z.input<Item>>>;
  },
): Endpoint {
  const { filter, item, load, ...rest } = declaration;
  const query = z.object({ ...filter?.shape, ...paging });
  return operation(
    { ...rest, method: 'get', query, returns: pageOf(item) },
    {
      idempotent: false,
      run: async ({ input, ctx, finish }) => {
        const { page, page_size: pageSize } = input.query as z.output<typeof query>;
        const matches = await filtersMatch(rest.id, input.query as Record<string, unknown>, ctx);
        const loaded: Loaded<z.input<Item>> = matches
          ? await load(input as Input<P, F, z.ZodUndefined>, ctx as Ctx<A>, { page, pageSize })
          : { items: [], count: 0 };
        const { items, count, linked, countIsEstimate = false } = loaded;
        const pages = Math.ceil(count / pageSize);
        const hasNext = countIsEstimate ? items.length === pageSize : page < pages;
        return finish({
          prev: page > 1 && pages > 0 ? link(ctx, Math.min(page - 1, pages), linked) : null,
          next: hasNext ? link(ctx, page + 1, linked) : null,
          count,
          ...(countIsEstimate && { count_is_estimate: true as const }),
          results: items,
        });
      },
    },
  );
}

/** URL of another page of the same request. */
export function link({ address: { path, query } }: Ctx, page: number, linked: Record<string, string> = {}): string {
  return `${path}?${new URLSearchParams({ ...query, ...linked, page: String(page) }).toString()}`;
}

/** A list from one query, the source of count, page and order, so that they cannot disagree. */
export function list<
  const Path extends string,
  Item extends z.ZodType,
  DB,
  TB extends keyof DB,
  Row,
  P extends z.ZodObject = PathIds<Path>,
  F extends z.ZodObject = NoQuery,
  A = unknown,
>(
  declaration: ListDeclaration<Path, P, F, Item, A> & {
    query(
      input: Input<P, F, z.ZodUndefined>,
      ctx: Ctx<A>,
    ): SelectQueryBuilder<DB, TB, Row> | Promise<SelectQueryBuilder<DB, TB, Row>>;
    /** `oldest` (by id) by default. */
    order?: Order;
    /** The count is exact up to this many rows; 10,000 by default. */
    countCap?: number;
    present(rows: Row[], ctx: Ctx<A>, input: Input<P, F, z.ZodUndefined>): Promise<z.input<Item>[]> | z.input<Item>[];
  },
): Endpoint {
  const { query, order = 'oldest', countCap = 10_000, present, ...rest } = declaration;
  return loadedList<Path, Item, P, F, A>({
    ...rest,
    load: async (input, ctx, page) => {
      const options = { ...page, order, countCap };
      const { rows, ...counted } = await paginate(ctx.db, await query(input, ctx), options);
      return { items: await present(rows, ctx, input), ...counted };
    },
  });
}
