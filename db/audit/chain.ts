// The definition of a chain link, shared by sealer, verification and export. Columns added to audit_records later must be
// omitted from the text when null, or old records would no longer verify.
import { createHash } from 'node:crypto';
import { canonicalJson } from '../core/canonical-json.ts';
import type { AuditRecordRow } from './tables.ts';

/** The `prev_hash` of position 1. */
export const genesisHash = '0'.repeat(64);

/** The advisory lock that makes the sealer one at a time. */
export const sealerLock = 7_301_001;

/** A record as it is hashed and exported, with the stored names. */
export function sealedFields(record: AuditRecordRow, position: number): Record<string, unknown> {
  return {
    id: record.id,
    op_time: record.opTime.toISOString(),
    view: record.view,
    operator: record.operator,
    area: record.area,
    op_type: record.opType,
    op_target: record.opTarget,
    target_type: record.targetType,
    target_id: record.targetId,
    target_name: record.targetName,
    detail_en: record.detailEn,
    detail_zh: record.detailZh,
    module_name: record.moduleName,
    perm_name: record.permName,
    action: record.action,
    authorized_target_type: record.authorizedTargetType,
    authorized_target_name: record.authorizedTargetName,
    outcome: record.outcome,
    channel: record.channel,
    remote_addr: record.remoteAddr,
    request_id: record.requestId,
    token_id: record.tokenId,
    message_id: record.messageId,
    changes: record.changes,
    position,
  };
}

/** The hash (64 hex digits) of a record at its position in the chain. */
export const linkHash = (prevHash: string, record: AuditRecordRow, position: number): string =>
  fieldsHash(prevHash, sealedFields(record, position));

/** The hash of a record that is given by its fields, the position among them. */
export const fieldsHash = (prevHash: string, fields: Record<string, unknown>): string =>
  createHash('sha256')
    .update(`${prevHash}\n${canonicalJson(fields)}`)
    .digest('hex');
