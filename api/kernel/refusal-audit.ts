import { recordRefusal } from '../../db/audit/refusals.ts';
import type { AuditEntry } from '../../db/audit/record.ts';
import type { AuditView } from '../../db/audit/tables.ts';
import { problems, type Problem } from '../../workflows/problems/problem.ts';
import type { Ctx } from '../operations/context.ts';
import type { Endpoint } from '../operations/endpoint.ts';
import { auditText, inBoth } from '../../kit/messages/audit-text.ts';

const views: Readonly<Record<string, AuditView>> = {
  dns: 'dns',
  hosts: 'host',
  applications: 'app',
  productions: 'app',
  deploy: 'app',
};
// Changes to these are recorded only in `operations`, and so are their refusals.
const operationsOnly =
  /^\/(?:application\/deploy-(?:scripts|templates)|resource-request\/shipped-packages)\/|-credentials\//;
/** The recorded action of an operation, where its method does not imply one. */
const attempted: Readonly<Record<string, string>> = {
  addInstances: 'attach_host',
  removeInstances: 'detach_host',
  createDeployFreeze: 'change_deploy_setting',
  changeDeployFreeze: 'change_deploy_setting',
  deleteDeployFreeze: 'change_deploy_setting',
  changeDeploySettings: 'change_deploy_setting',
  linkDeployTemplate: 'change_deploy_setting',
  unlinkDeployTemplate: 'change_deploy_setting',
};
const typesOfViews = { POST: 'add', PATCH: 'update', PUT: 'update', DELETE: 'delete' } as const;
const types = { ...typesOfViews, POST: 'create' } as const;
const refusedGrants: ReadonlySet<string> = new Set(['undefined_permission', 'no_right_to_grant']);

/** Whether a problem is an access decision to audit: anything forbidden, and refused grants. */
const isRefusal = ({ problem }: Problem): boolean => problems[problem].status === 403 || refusedGrants.has(problem);

/** Records a refused mutation; reads are not audited. */
export async function auditRefusal(
  endpoint: Endpoint,
  ctx: Ctx,
  params: Readonly<Record<string, string>>,
  problem: Problem,
): Promise<void> {
  if (endpoint.method === 'GET' || !isRefusal(problem)) return;
  await recordRefusal(ctx.db, ctx.by, entryOf(endpoint, params, problem));
}

function entryOf(endpoint: Endpoint, params: Readonly<Record<string, string>>, problem: Problem): AuditEntry {
  const view = operationsOnly.test(endpoint.path) ? 'operations' : (views[endpoint.area] ?? 'operations');
  const named = view === 'dns' || view === 'host' || view === 'app';
  const method = endpoint.method as keyof typeof types;
  const action = /\/actions\/([\w-]+)\/$/.exec(endpoint.path)?.[1]?.replaceAll('-', '_');
  const id = Number(Object.values(params).at(-1));
  return {
    view,
    area: endpoint.area,
    outcome: 'refused',
    opType:
      attempted[endpoint.id] ??
      (named ? (action === undefined ? typesOfViews[method] : 'update') : (action ?? types[method])),
    targetType: targetTypeOf(endpoint),
    targetId: Number.isSafeInteger(id) ? id : null,
    ...(view === 'dns' && { opTarget: dnsTarget(endpoint.path) }),
    detail: auditText('refused', { what: endpoint.summary, why: inBoth(problem.said) }),
  };
}

const targetTypes: Readonly<Record<string, string>> = {
  users: 'user',
  roles: 'role',
  applications: 'application',
  hosts: 'host',
  productions: 'production',
  'auth-tokens': 'token',
};

function targetTypeOf({ path, area }: Endpoint): string {
  if (path.startsWith('/application/deploy-tasks/')) return 'deploy_task';
  return path.startsWith('/auth/sessions/') ? 'session' : (targetTypes[path.split('/')[1] ?? ''] ?? area);
}

const dnsTarget = (path: string): string =>
  path.includes('/records/') ? 'record' : path.includes('/domains/') ? 'domain' : 'server';
