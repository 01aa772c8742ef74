import { z } from 'zod';
import type { AuditRecordRow, AuditView } from '../../db/audit/tables.ts';
import { linksOf, newestId, selectRecords, type AuditFilter } from '../../db/audit/views.ts';
import { paginate } from '../../db/pagination/paginate.ts';
import type { Ctx } from '../operations/context.ts';
import { endpoint, type Endpoint } from '../operations/endpoint.ts';
import { loadedList, type PageRequest } from '../operations/list.ts';
import { notFound, system } from '../operations/permissions.ts';
import {
  authorizationFilters,
  filterOf,
  moduleFilters,
  operationFilters,
  recordFilters,
  resourceFilters,
  stableFilters,
  successByDefault,
  timeFilters,
  type FilterQuery,
} from './filters.ts';
import {
  appView,
  dnsView,
  hostView,
  modulesView,
  operationsView,
  presentRecord,
  resourcesView,
} from './record-object.ts';

interface ListOf<Item extends z.ZodType> {
  path: string;
  id: string;
  summary: string;
  /** Without it, all records. */
  view?: AuditView;
  filters: z.core.$ZodLooseShape;
  shown: { item: Item; own: Parameters<typeof presentRecord>[0] };
}

const auditList = <Item extends z.ZodType>({ path, id, summary, view, filters, shown }: ListOf<Item>): Endpoint =>
  loadedList({
    path,
    id,
    summary,
    area: 'audit',
    description: 'Newest first. The links carry before_id, so that pages stay stable while records are added.',
    permission: system('enable_audit'),
    filter: z.object({ ...filters, ...stableFilters }),
    item: shown.item,
    async load({ query }, ctx, page) {
      const asked = query as FilterQuery & { before_id?: number };
      const filter = { ...filterOf(asked), view };
      const { rows, count, beforeId } = await pageOfRecords(ctx, filter, page, asked.before_id);
      const links = await linksOf(
        ctx.db,
        rows.map((row) => row.id),
      );
      const items = rows.map((row) => presentRecord(shown.own, row, links.get(row.id), ctx.language) as z.input<Item>);
      return { items, count, linked: { before_id: String(beforeId) } };
    },
  });

async function pageOfRecords(
  { db }: Ctx,
  filter: AuditFilter,
  page: PageRequest,
  given: number | undefined,
): Promise<{ rows: AuditRecordRow[]; count: number; beforeId: number }> {
  const { rows, count } = await paginate(db, selectRecords(db, filter), { ...page, order: 'newest', beforeId: given });
  if (given !== undefined) return { rows, count, beforeId: given };
  const newest = page.page === 1 ? rows[0]?.id : await newestId(db, filter);
  return { rows, count, beforeId: (newest ?? 0) + 1 };
}

const grants = { ...timeFilters, ...authorizationFilters, ...successByDefault };

const lists = [
  auditList({
    path: '/audit/dns-operations/',
    id: 'listDnsOperations',
    summary: 'What was done to DNS servers, domains and records',
    view: 'dns',
    filters: {
      ...timeFilters,
      ...operationFilters('add', 'update', 'delete', 'disable', 'enable'),
      op_target: z.enum(['server', 'domain', 'record']).optional(),
      ...successByDefault,
    },
    shown: dnsView,
  }),
  auditList({
    path: '/audit/host-operations/',
    id: 'listHostOperations',
    summary: 'What was done to hosts',
    view: 'host',
    filters: {
      ...timeFilters,
      ...operationFilters('add', 'update', 'delete', 'attach_app', 'detach_app'),
      hostname: z.string().optional(),
      ...successByDefault,
    },
    shown: hostView,
  }),
  auditList({
    path: '/audit/app-operations/',
    id: 'listAppOperations',
    summary: 'What was done to applications',
    view: 'app',
    filters: {
      ...timeFilters,
      ...operationFilters('add', 'update', 'delete', 'attach_host', 'detach_host', 'change_deploy_setting'),
      app_name: z.string().optional(),
      ...successByDefault,
    },
    shown: appView,
  }),
  auditList({
    path: '/audit/authorize-operations/modules/',
    id: 'listModuleAuthorizations',
    summary: 'Which permissions of modules were granted and revoked',
    view: 'modules',
    filters: { ...grants, ...moduleFilters },
    shown: modulesView,
  }),
  auditList({
    path: '/audit/authorize-operations/resources/',
    id: 'listResourceAuthorizations',
    summary: 'Which permissions on applications and hosts were granted and revoked',
    view: 'resources',
    filters: { ...grants, ...resourceFilters },
    shown: resourcesView,
  }),
  auditList({
    path: '/audit/operations/',
    id: 'listAuditRecords',
    summary: 'Every audit record',
    filters: recordFilters,
    shown: operationsView,
  }),
];

const getRecord = endpoint({
  method: 'get',
  path: '/audit/operations/{id}/',
  id: 'getAuditRecord',
  area: 'audit',
  summary: 'One audit record',
  permission: system('enable_audit'),
  returns: operationsView.item,
  async handle({ params }, { db, language }) {
    const row = await selectRecords(db, { fromId: params.id, toId: params.id }).executeTakeFirst();
    if (!row) throw notFound();
    const links = await linksOf(db, [row.id]);
    return presentRecord(operationsView.own, row, links.get(row.id), language) as z.input<typeof operationsView.item>;
  },
});

export const auditListEndpoints = [...lists, getRecord];
