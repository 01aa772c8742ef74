import { z } from 'zod';
import { diff } from '../../db/audit/changes.ts';
import { exportBatches, exportEnd, exportFormat, type ExportHead } from '../../db/audit/export.ts';
import { record } from '../../db/audit/record.ts';
import type { AuditFilter } from '../../db/audit/views.ts';
import type { Database } from '../../db/database.ts';
import type { Kysely } from 'kysely';
import type { Ctx } from '../operations/context.ts';
import { endpoint } from '../operations/endpoint.ts';
import { system } from '../operations/permissions.ts';
import { Reply } from '../operations/stored-response.ts';
import { csvHeader, csvRow } from './csv.ts';
import { filterOf, recordFilters } from './filters.ts';
import { readLog } from './snapshot.ts';
import { textStream } from './stream.ts';
import { demandRange, idRange } from './verify.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

const formats = ['ndjson', 'csv'] as const;
const contentTypes = { ndjson: 'application/x-ndjson', csv: 'text/csv; charset=utf-8' } as const;

async function* ndjson(db: Kysely<Database>, filter: AuditFilter, head: ExportHead): AsyncGenerator<string, void> {
  yield line(head);
  let count = 0;
  for await (const batch of exportBatches(db, filter)) {
    count += batch.length;
    yield batch.map(line).join('');
  }
  yield line(await exportEnd(db, count));
}

const line = (value: object): string => `${JSON.stringify(value)}\n`;

async function* csv(db: Kysely<Database>, filter: AuditFilter): AsyncGenerator<string, void> {
  yield csvHeader;
  for await (const batch of exportBatches(db, filter)) yield batch.map(csvRow).join('');
}

async function auditExport(ctx: Ctx, format: string, asked: Record<string, string>): Promise<void> {
  const detail = auditText('audit_exported', { format });
  const entry = { view: 'operations', area: 'audit', opType: 'export', targetType: 'audit', targetId: null } as const;
  const changes = diff(null, { ...asked, format });
  await record(ctx.db, ctx.by, [{ ...entry, detail, changes }]);
}

const exportRecords = endpoint({
  method: 'get',
  path: '/audit/export/',
  id: 'exportAuditRecords',
  area: 'audit',
  summary: 'Export audit records',
  description:
    'NDJSON by default, or CSV. The first line of NDJSON says what was requested, the last one {"end": true, …}: ' +
    'without it the export is incomplete. An export without filters can be verified offline.',
  permission: system('export_audit'),
  query: z.object({ format: z.enum(formats).default('ndjson'), ...idRange, ...recordFilters }),
  returns: z.string(),
  contentTypes: Object.values(contentTypes),
  problems: ['too_many_requests'],
  async handle({ query: { format, from_id: fromId, to_id: toId, ...query } }, ctx) {
    demandRange({ from_id: fromId, to_id: toId });
    const { format: _format, from_id: _from, to_id: _to, ...filters } = ctx.address.query;
    const head: ExportHead = {
      format: exportFormat,
      filtered: Object.values(filterOf(query)).some((value) => value !== undefined),
      filters,
      from_id: fromId ?? null,
      to_id: toId ?? null,
      time: ctx.now().toISOString(),
    };
    const filter = { ...filterOf(query), fromId, toId };
    const snapshot = await readLog(ctx);
    const end = () => snapshot.rollback().execute();
    try {
      await auditExport(ctx, format, ctx.address.query);
    } catch (error) {
      await end();
      throw error;
    }
    const texts = format === 'csv' ? csv(snapshot, filter) : ndjson(snapshot, filter, head);
    const stamp = head.time.slice(0, 19).replaceAll(/[-:]/g, '');
    return Reply.content(contentTypes[format], textStream(texts, { end, log: ctx.log }), {
      'content-disposition': `attachment; filename="slipway-audit-${stamp}.${format}"`,
    });
  },
});

export const auditExportEndpoints = [exportRecords];
