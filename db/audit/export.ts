// An export as lines: a head with the query, the records as hashed with their links, and an end with their count. Read by id
// in batches within the caller's snapshot, so that it is never in memory as a whole.
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import { sealedFields } from './chain.ts';
import { chainHead } from './seal.ts';
import { linksOf, selectRecords, type AuditFilter } from './views.ts';

export const exportFormat = 'slipway-audit-export/1';

/** The first line. */
export interface ExportHead {
  format: typeof exportFormat;
  /** Records may be missing between others, since a filter left them out. */
  filtered: boolean;
  filters: Record<string, unknown>;
  from_id: number | null;
  to_id: number | null;
  time: string;
}

export interface ExportLink {
  position: number;
  prev_hash: string;
  hash: string;
}

/** A record as it is hashed, and its link; null while it is not sealed. */
export type ExportLine = Record<string, unknown> & { chain: ExportLink | null };

/** The last line. */
export interface ExportEnd {
  end: true;
  count: number;
  head: { position: number; hash: string };
}

const batchSize = 250;

/** The records of an export in batches, oldest first. */
export async function* exportBatches(db: Kysely<Database>, filter: AuditFilter): AsyncGenerator<ExportLine[]> {
  for (let after = 0; ;) {
    const rows = await selectRecords(db, filter)
      .where('auditRecords.id', '>', after)
      .orderBy('auditRecords.id')
      .limit(batchSize)
      .execute();
    const links = await linksOf(
      db,
      rows.map((row) => row.id),
    );
    if (rows.length > 0)
      yield rows.map((row): ExportLine => {
        const link = links.get(row.id);
        const { position, ...fields } = sealedFields(row, link?.position ?? 0);
        if (!link) return { ...fields, chain: null };
        return { ...fields, chain: { position: Number(position), prev_hash: link.prevHash, hash: link.hash } };
      });
    if (rows.length < batchSize) return;
    after = rows.at(-1)?.id ?? after;
  }
}

/** The last line of an export of `count` records. */
export const exportEnd = async (db: Kysely<Database>, count: number): Promise<ExportEnd> => ({
  end: true,
  count,
  head: await chainHead(db),
});
