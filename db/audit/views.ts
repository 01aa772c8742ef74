// The API's six views are one table with different columns; this builds the single query behind all of them and the export,
// so that a filter means the same everywhere.
import { sql } from 'kysely';
import type { Kysely, Selectable } from 'kysely';
import type { Database } from '../database.ts';
import { anywhere } from '../core/ilike.ts';
import type { AuditRecordRow, AuditTables } from './tables.ts';

const exactColumns = [
  'view',
  'operator',
  'area',
  'opType',
  'opTarget',
  'targetType',
  'targetId',
  'moduleName',
  'permName',
  'action',
  'authorizedTargetType',
  'outcome',
  'channel',
  'remoteAddr',
  'requestId',
] as const;
const containedColumns = ['targetName', 'authorizedTargetName'] as const;

type Exact = { [Column in (typeof exactColumns)[number]]?: AuditRecordRow[Column] | undefined };
type Contained = { [Column in (typeof containedColumns)[number]]?: string | undefined };

/** What records are asked for; names and details match as substrings, times and ids inclusively. */
export interface AuditFilter extends Exact, Contained {
  /** In the sentence of either language. */
  detail?: string | undefined;
  fromTime?: Date | undefined;
  toTime?: Date | undefined;
  fromId?: number | undefined;
  toId?: number | undefined;
}

/** The records that match, without an order. */
export function selectRecords(db: Kysely<Database>, filter: AuditFilter) {
  let query = db.selectFrom('auditRecords').selectAll('auditRecords');
  for (const column of exactColumns) {
    const value = filter[column];
    if (value !== undefined && value !== null) query = query.where(`auditRecords.${column}`, '=', value);
  }
  for (const column of containedColumns) {
    const text = filter[column];
    if (text) query = query.where(`auditRecords.${column}`, 'ilike', anywhere(text));
  }
  const { detail, fromTime, toTime, fromId, toId } = filter;
  if (detail) {
    const pattern = anywhere(detail);
    query = query.where(({ eb, or }) => or([eb('detailEn', 'ilike', pattern), eb('detailZh', 'ilike', pattern)]));
  }
  if (fromTime) query = query.where('auditRecords.opTime', '>=', fromTime);
  if (toTime) query = query.where('auditRecords.opTime', '<=', toTime);
  if (fromId !== undefined) query = query.where('auditRecords.id', '>=', fromId);
  if (toId !== undefined) query = query.where('auditRecords.id', '<=', toId);
  return query;
}

export type ChainLink = Selectable<AuditTables['auditChain']>;

/** The links of sealed records by record id. */
export async function linksOf(db: Kysely<Database>, ids: readonly number[]): Promise<Map<number, ChainLink>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('auditChain')
    .selectAll()
    .where(sql<boolean>`record_id = any(${ids}::bigint[])`)
    .execute();
  return new Map(rows.map((row) => [row.recordId, row]));
}

/** The id of the newest record that matches; 0 without one. */
export async function newestId(db: Kysely<Database>, filter: AuditFilter): Promise<number> {
  const newest = selectRecords(db, filter).clearSelect().select('auditRecords.id').orderBy('auditRecords.id', 'desc');
  return (await newest.limit(1).executeTakeFirst())?.id ?? 0;
}
