import { sql } from 'kysely';
import type { Kysely, Selectable } from 'kysely';
import type { Database } from '../database.ts';
import type { ChainHead } from './seal.ts';
import type { AuditRecordRow, AuditTables } from './tables.ts';

export type Link = Selectable<AuditTables['auditChain']>;

/**
 * The positions that the records of a range of ids lie between; positions of other records among them are verified too,
 * since late commits make the order of positions differ from that of ids. Empty (last before first) without records.
 */
export async function positionsOf(
  db: Kysely<Database>,
  fromId: number,
  toId: number | undefined,
  head: ChainHead,
): Promise<{ first: number; last: number }> {
  if (fromId <= 1 && toId === undefined) return { first: 1, last: head.position };
  const found = await db
    .selectFrom('auditChain')
    .select(({ fn }) => [fn.min('position').as('first'), fn.max('position').as('last')])
    .where('recordId', '>=', fromId)
    .$if(toId !== undefined, (query) => query.where('recordId', '<=', toId ?? 0))
    .executeTakeFirst();
  const first = fromId <= 1 ? 1 : (found?.first ?? head.position + 1);
  return { first, last: toId === undefined ? head.position : (found?.last ?? first - 1) };
}

const dayMs = 86_400_000;

/** The records of these links by id; those that are not in the links' time are looked for everywhere. */
export async function loadRecords(db: Kysely<Database>, links: readonly Link[]): Promise<Map<number, AuditRecordRow>> {
  if (links.length === 0) return new Map();
  const times = links.map(({ opTime }) => opTime.getTime());
  const ids = links.map(({ recordId }) => recordId);
  const near = await recordsById(db, ids)
    .where('opTime', '>=', new Date(Math.min(...times) - dayMs))
    .where('opTime', '<=', new Date(Math.max(...times) + dayMs))
    .execute();
  const records = new Map(near.map((record) => [record.id, record]));
  const missing = ids.filter((id) => !records.has(id));
  if (missing.length === 0) return records;
  for (const record of await recordsById(db, missing).execute()) records.set(record.id, record);
  return records;
}

const recordsById = (db: Kysely<Database>, ids: readonly number[]) =>
  db
    .selectFrom('auditRecords')
    .selectAll()
    .where(sql<boolean>`id = any(${ids}::bigint[])`);

/**
 * How many records of the range no link belongs to (by id and time: a forged second record of a sealed id counts), and
 * whether one of them should have been sealed long since.
 */
export async function unsealedIn(
  db: Kysely<Database>,
  fromId: number,
  toId: number | undefined,
): Promise<{ count: number; overdue: boolean }> {
  const found = await db
    .selectFrom('auditRecords as record')
    .select(({ fn }) => [
      fn.countAll<number>().as('count'),
      sql<boolean>`coalesce(min(record.op_time) < now() - interval '60 seconds', false)`.as('overdue'),
    ])
    .where('record.id', '>=', fromId)
    .$if(toId !== undefined, (query) => query.where('record.id', '<=', toId ?? 0))
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('auditChain')
            .select('position')
            .whereRef('recordId', '=', 'record.id')
            .whereRef('auditChain.opTime', '=', 'record.opTime'),
        ),
      ),
    )
    .executeTakeFirstOrThrow();
  return found;
}
