// The tree of applications. Changes take one lock, so that two moves cannot close a cycle together; full names are stored,
// and a move or rename rewrites those of the whole subtree in one statement.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';

/** Most levels of nesting, a root being the first. */
export const deepest = 10;

const treeLock = 0x736c_7472;

/** Keeps all other changes of the tree away until the end of the transaction. */
export const lockTree = (tx: Kysely<Database>) => sql`select pg_advisory_xact_lock(${treeLock})`.execute(tx);

/** An application with its ancestors, the root first. */
export async function lineOf(db: Kysely<Database>, id: number): Promise<{ id: number; name: string }[]> {
  const { rows } = await sql<{ id: number; name: string }>`
    with recursive line as (
      select id, name, parent_id, 1 as level from applications where id = ${id}
      union all
      select a.id, a.name, a.parent_id, line.level + 1 from applications a join line on a.id = line.parent_id
    )
    select id, name from line order by level desc`.execute(db);
  return rows;
}

/** Levels of an application's subtree, itself included. */
export async function heightOf(db: Kysely<Database>, id: number): Promise<number> {
  const { rows } = await sql<{ height: number }>`
    with recursive tree(id, level) as (
      select ${id}::bigint, 1
      union all
      select a.id, tree.level + 1 from applications a join tree on a.parent_id = tree.id where a.deleted_time is null
    )
    select max(level) as height from tree`.execute(db);
  return rows[0]?.height ?? 1;
}

/** Rewrites the full names of an application and its descendants; returns the longest one's length. */
export async function renameSubtree(tx: Kysely<Database>, id: number): Promise<number> {
  const { rows } = await sql<{ length: number }>`
    with recursive tree(id, full_name) as (
      select a.id, coalesce(parent.full_name || '.', '') || a.name
      from applications a left join applications parent on parent.id = a.parent_id where a.id = ${id}
      union all
      select a.id, tree.full_name || '.' || a.name
      from applications a join tree on a.parent_id = tree.id where a.deleted_time is null
    ), renamed as (
      update applications set full_name = tree.full_name from tree where applications.id = tree.id
      returning length(applications.full_name) as length
    )
    select max(length) as length from renamed`.execute(tx);
  return rows[0]?.length ?? 0;
}
