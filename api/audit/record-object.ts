// The form of a record in each view: all views share the fields of `shared`, the rest are specific.
import { z } from 'zod';
import { modules } from '../../db/access/permission-catalogue.ts';
import { auditChannels, type AuditRecordRow } from '../../db/audit/tables.ts';
import type { ChainLink } from '../../db/audit/views.ts';
import type { Language } from '../../kit/messages/message.ts';
import { iso, time } from '../operations/schemas.ts';

const shared = z.object({
  id: z.int(),
  op_time: time,
  operator: z.string(),
  outcome: z.enum(['success', 'refused']),
  channel: z.enum(auditChannels),
  remote_addr: z.string().nullable(),
  request_id: z.string().nullable(),
  token_id: z.int().nullable(),
  message_id: z.string().nullable(),
  changes: z.record(z.string(), z.unknown()).nullable(),
  chain: z.object({ position: z.int(), prev_hash: z.string(), hash: z.string() }).nullable(),
});

const operation = { op_type: z.string(), op_detail: z.string() };
const authorization = {
  perm_name: z.string().nullable(),
  action: z.enum(['enable', 'disable']).nullable(),
  authorized_target_type: z.enum(['user', 'role']).nullable(),
  authorized_target_name: z.string().nullable(),
};

/** The fields of a view besides the shared ones. */
type Own = (row: AuditRecordRow, language: Language) => object;

interface View<Item extends z.ZodType> {
  item: Item;
  own: Own;
}

const sentence: Own = (row, language) => ({
  op_type: row.opType,
  op_detail: language === 'zh' ? row.detailZh : row.detailEn,
});
const grant = (row: AuditRecordRow) => ({
  perm_name: row.permName,
  action: row.action,
  authorized_target_type: row.authorizedTargetType,
  authorized_target_name: row.authorizedTargetName,
});

export const dnsView = {
  item: shared.extend({ op_target: z.string().nullable(), ...operation }),
  own: (row, language) => ({ op_target: row.opTarget, ...sentence(row, language) }),
} satisfies View<z.ZodType>;

export const hostView = {
  item: shared.extend({ hostname: z.string().nullable(), ...operation }),
  own: (row, language) => ({ hostname: row.targetName, ...sentence(row, language) }),
} satisfies View<z.ZodType>;

export const appView = {
  item: shared.extend({ app_name: z.string().nullable(), ...operation }),
  own: (row, language) => ({ app_name: row.targetName, ...sentence(row, language) }),
} satisfies View<z.ZodType>;

export const modulesView = {
  item: shared.extend({ module_name: z.string().nullable(), module_label: z.string().nullable(), ...authorization }),
  own: (row, language) => ({
    module_name: row.moduleName,
    module_label: labelOf(row.moduleName, language),
    ...grant(row),
  }),
} satisfies View<z.ZodType>;

export const resourcesView = {
  item: shared.extend({
    resource_type: z.string(),
    resource_id: z.int().nullable(),
    resource: z.object({ id: z.int().nullable() }).catchall(z.string().nullable()),
    ...authorization,
  }),
  own: (row) => ({
    resource_type: row.targetType,
    resource_id: row.targetId,
    resource: { id: row.targetId, [row.targetType]: row.targetName },
    ...grant(row),
  }),
} satisfies View<z.ZodType>;

export const operationsView = {
  item: shared.extend({ area: z.string(), target_type: z.string(), target_id: z.int().nullable(), ...operation }),
  own: (row, language) => ({
    area: row.area,
    target_type: row.targetType,
    target_id: row.targetId,
    ...sentence(row, language),
  }),
} satisfies View<z.ZodType>;

function labelOf(name: string | null, language: Language): string | null {
  if (name === null) return null;
  return name in modules ? modules[name as keyof typeof modules].label[language] : name;
}

/** A record in a view; without its chain link while it is not sealed. */
export function presentRecord(own: Own, row: AuditRecordRow, link: ChainLink | undefined, language: Language) {
  return {
    id: row.id,
    op_time: iso(row.opTime),
    operator: row.operator,
    ...own(row, language),
    outcome: row.outcome,
    channel: row.channel,
    remote_addr: row.remoteAddr,
    request_id: row.requestId,
    token_id: row.tokenId,
    message_id: row.messageId,
    changes: row.changes,
    chain: link ? { position: link.position, prev_hash: link.prevHash, hash: link.hash } : null,
  };
}
