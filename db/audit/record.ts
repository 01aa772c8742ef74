// Audit records are written in the transaction of their change, so neither exists without the other. No NOTIFY here: it
// serialises all commits of the system (measured: half the transactions per second), and the sealer polls every second
// anyway.
import { sql } from 'kysely';
import type { Insertable, Kysely } from 'kysely';
import type { Actor } from '../../workflows/tasks/contract.ts';
import type { Database } from '../database.ts';
import { storableText } from '../core/jsonb.ts';
import { prepared } from '../core/prepared-statements.ts';
import type { Parameter } from '../core/prepared-statements.ts';
import { insertRows } from '../core/row-batches.ts';
import { storedChanges } from './changes.ts';
import type { AuditChanges, AuditTables, AuditView } from './tables.ts';
import { cutDetail } from './text.ts';

/** One sentence in both languages; user text in it goes through `quote`. */
interface AuditDetail {
  en: string;
  zh: string;
}

/** An event on one object; the actor is given once for all entries of a call. */
export interface AuditEntry {
  view: AuditView;
  area: string;
  opType: string;
  /** Of the view `dns` only: server, domain or record. */
  opTarget?: string | null;
  targetType: string;
  targetId: number | null;
  /** The object's name at this time: host name, full name of an application … */
  targetName?: string | null;
  detail: AuditDetail;
  moduleName?: string | null;
  permName?: string | null;
  action?: 'enable' | 'disable' | null;
  authorizedTargetType?: 'user' | 'role' | null;
  authorizedTargetName?: string | null;
  outcome?: 'success' | 'refused';
  changes?: AuditChanges | null;
}

/** Records could not be written, for any reason: their change must not happen, and may be retried. */
export class AuditWriteError extends Error {
  constructor(cause: unknown) {
    super('audit records could not be written', { cause });
    this.name = 'AuditWriteError';
  }
}

/** Writes the records of `entries` in the caller's transaction; throws AuditWriteError when that cannot be done. */
export async function record(tx: Kysely<Database>, by: Actor, entries: readonly AuditEntry[]): Promise<void> {
  const rows = entries.map((entry) => auditRow(by, entry));
  try {
    const [first, ...others] = rows;
    if (first && others.length === 0) await insertOne(tx, first);
    else await insertRows(tx, 'auditRecords', rows);
  } catch (error) {
    throw new AuditWriteError(error);
  }
}

/** A record, all columns that its writer gives. */
export type AuditRow = Required<Omit<Insertable<AuditTables['auditRecords']>, 'id' | 'opTime'>>;

// A record, so that none is forgotten.
const given: Record<keyof AuditRow, true> = {
  view: true,
  operator: true,
  area: true,
  opType: true,
  opTarget: true,
  targetType: true,
  targetId: true,
  targetName: true,
  detailEn: true,
  detailZh: true,
  moduleName: true,
  permName: true,
  action: true,
  authorizedTargetType: true,
  authorizedTargetName: true,
  outcome: true,
  channel: true,
  remoteAddr: true,
  requestId: true,
  tokenId: true,
  messageId: true,
  changes: true,
};

/** Those columns. */
export const auditColumns = Object.keys(given) as (keyof AuditRow)[];

const insertOne = prepared((db, place: Parameter<AuditRow>) =>
  db
    .insertInto('auditRecords')
    .columns(auditColumns)
    .expression(sql`select ${sql.join(auditColumns.map(place))}`),
);

/** The row of an entry, for a statement that writes it together with its change. */
export function auditRow(by: Actor, entry: AuditEntry): AuditRow {
  return {
    view: entry.view,
    operator: storableText(by.username),
    area: entry.area,
    opType: entry.opType,
    opTarget: entry.opTarget ?? null,
    targetType: entry.targetType,
    targetId: entry.targetId,
    targetName: textOrNull(entry.targetName),
    detailEn: cutDetail(entry.detail.en),
    detailZh: cutDetail(entry.detail.zh),
    moduleName: entry.moduleName ?? null,
    permName: entry.permName ?? null,
    action: entry.action ?? null,
    authorizedTargetType: entry.authorizedTargetType ?? null,
    authorizedTargetName: textOrNull(entry.authorizedTargetName),
    outcome: entry.outcome ?? 'success',
    channel: by.channel,
    remoteAddr: by.remoteAddr ?? null,
    requestId: by.requestId ?? null,
    tokenId: by.tokenId ?? null,
    messageId: by.messageId ?? null,
    changes: entry.changes ? storedChanges(entry.changes) : null,
  };
}

const textOrNull = (text: string | null | undefined): string | null => (text == null ? null : storableText(text));
