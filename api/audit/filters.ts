// Filters of all views, by API name; each view has a subset, and a filter means the same in every view.
import { z } from 'zod';
import {
  applicationPermissions,
  hostPermissions,
  modules,
  permissionAliases,
} from '../../db/access/permission-catalogue.ts';
import { auditChannels } from '../../db/audit/tables.ts';
import type { AuditFilter } from '../../db/audit/views.ts';
import { id, moment } from '../operations/schemas.ts';

const text = z.string().optional();
const outcome = z.enum(['success', 'refused', 'all']);

const moduleNames = new Map(
  Object.entries(modules).flatMap(([name, { label, aliases }]) =>
    [name, ...aliases, label.zh, label.en].map((one) => [one, name] as const),
  ),
);
const aliasesOfPermissions: Record<string, string> = { ...permissionAliases, login: 'login_host' };
const permissionNames = new Map(
  [...applicationPermissions, ...hostPermissions, ...Object.values(modules).flatMap(({ permissions }) => permissions)]
    .map((name): [string, string] => [name, name])
    .concat(Object.entries(aliasesOfPermissions)),
);

/** One of a table's names, converted to its canonical name. */
const named = (names: ReadonlyMap<string, string>) =>
  z.enum([...names.keys()]).transform((name) => names.get(name) ?? name);

/** In every list. */
export const timeFilters = {
  operator: text,
  op_time__gt: moment.optional().describe('inclusive'),
  op_time__lt: moment.optional().describe('inclusive'),
};

export const stableFilters = {
  before_id: id.optional().describe('only records with a smaller id: keeps pages stable while records are added'),
};

export const successByDefault = { outcome: outcome.default('success') };
const allByDefault = { outcome: outcome.default('all') };

/** Of views of operations. */
export const operationFilters = <const Types extends readonly [string, ...string[]]>(...types: Types) => ({
  op_type: z.enum(types).optional(),
  op_detail: text.describe('part of the sentence, in either language'),
});

/** Of views of grants. */
export const authorizationFilters = {
  perm_name: named(permissionNames).optional(),
  action: z.enum(['enable', 'disable']).optional(),
  authorized_target_type: z.enum(['user', 'role']).optional(),
  authorized_target_name: text,
};

export const moduleFilters = { module_name: named(moduleNames).optional() };
export const resourceFilters = {
  resource_type: z.enum(['host', 'application', 'business']).optional(),
  resource_id: id.optional(),
};

/** Of the view of all records, and of the export. */
export const recordFilters = {
  ...timeFilters,
  area: text,
  target_type: text,
  target_id: id.optional(),
  op_type: text,
  op_detail: text,
  ...allByDefault,
  channel: z.enum(auditChannels).optional(),
  remote_addr: text,
  request_id: text,
};

/** Every filter; a view's query has a subset. */
export interface FilterQuery {
  operator?: string | undefined;
  op_time__gt?: Date | undefined;
  op_time__lt?: Date | undefined;
  outcome?: z.output<typeof outcome> | undefined;
  op_type?: string | undefined;
  op_target?: string | undefined;
  op_detail?: string | undefined;
  hostname?: string | undefined;
  app_name?: string | undefined;
  area?: string | undefined;
  target_type?: string | undefined;
  target_id?: number | undefined;
  resource_type?: string | undefined;
  resource_id?: number | undefined;
  module_name?: string | undefined;
  perm_name?: string | undefined;
  action?: 'enable' | 'disable' | undefined;
  authorized_target_type?: 'user' | 'role' | undefined;
  authorized_target_name?: string | undefined;
  channel?: (typeof auditChannels)[number] | undefined;
  remote_addr?: string | undefined;
  request_id?: string | undefined;
}

/** A query's filters in database form; an empty text counts as no filter. */
export const filterOf = (query: FilterQuery): AuditFilter => ({
  operator: query.operator || undefined,
  fromTime: query.op_time__gt,
  toTime: query.op_time__lt,
  outcome: query.outcome === 'all' ? undefined : query.outcome,
  opType: query.op_type || undefined,
  opTarget: query.op_target,
  detail: query.op_detail,
  area: query.area || undefined,
  targetName: query.hostname ?? query.app_name,
  targetType: (query.target_type || query.resource_type) ?? undefined,
  targetId: query.target_id ?? query.resource_id,
  moduleName: query.module_name,
  permName: query.perm_name,
  action: query.action,
  authorizedTargetType: query.authorized_target_type,
  authorizedTargetName: query.authorized_target_name,
  channel: query.channel,
  remoteAddr: query.remote_addr || undefined,
  requestId: query.request_id || undefined,
});
