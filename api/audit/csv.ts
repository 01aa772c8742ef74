import type { ExportLine } from '../../db/audit/export.ts';

const columns = [
  'id',
  'op_time',
  'view',
  'operator',
  'area',
  'op_type',
  'op_target',
  'target_type',
  'target_id',
  'target_name',
  'detail_en',
  'detail_zh',
  'module_name',
  'perm_name',
  'action',
  'authorized_target_type',
  'authorized_target_name',
  'outcome',
  'channel',
  'remote_addr',
  'request_id',
  'token_id',
  'message_id',
  'changes',
] as const;
const linkColumns = ['position', 'prev_hash', 'hash'] as const;

/** A cell per RFC 4180; text that a spreadsheet would take for a formula is prefixed, numbers stay numbers. */
function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

const row = (cells: readonly unknown[]): string => `${cells.map(csvCell).join(',')}\r\n`;

export const csvHeader = row([...columns, ...linkColumns]);

export const csvRow = (line: ExportLine): string =>
  row([...columns.map((name) => line[name]), ...linkColumns.map((name) => line.chain?.[name])]);
