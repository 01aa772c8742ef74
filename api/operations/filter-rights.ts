// A filter leaks fields that the response hides: a caller can probe it value by value. So every filter of every list
// declares here the right to use it, and a list with an undeclared filter is not served (a test checks this).
import { mayOn } from '../../db/access/rights.ts';
import type { Ctx } from './context.ts';
import { demandSystem } from './permissions.ts';

/**
 * `shown`: anyone who sees an item sees this field. `view_user`: shown with that permission. `own_user`, `own_role`: the
 * same, except for the caller's own. `application`: an application hidden from the caller matches nothing, as if it did not
 * exist.
 */
type FilterRight = 'shown' | 'view_user' | 'own_user' | 'own_role' | 'application';

const shown = (...names: string[]): Record<string, FilterRight> =>
  Object.fromEntries(names.map((name) => [name, 'shown' as const]));

const ofApplications = { ...shown('name', 'full_name'), user: 'own_user', role: 'own_role' } as const;
const ofHostTasks = shown('hostname', 'creator', 'status', 'time__gt', 'time__lt');
const ofRequests = shown('creator', 'status', 'time__gt', 'time__lt', 'mine', 'awaiting_me');
const ofRecords = ['operator', 'op_time__gt', 'op_time__lt', 'outcome', 'before_id'] as const;
const ofGrants = ['perm_name', 'action', 'authorized_target_type', 'authorized_target_name'] as const;

/** The right that each filter of each list requires, by operation id. */
export const filterRights: Readonly<Record<string, Readonly<Record<string, FilterRight>>>> = {
  listUsers: {
    ...shown('username', 'name'),
    email: 'view_user',
    phone: 'view_user',
    status: 'view_user',
    role: 'view_user',
  },
  listRoles: shown('name'),
  listApplicationGrantsOfUser: shown('app_name', 'effective'),
  listHostGrantsOfUser: shown('hostname', 'effective'),
  listApplicationGrantsOfRole: shown('app_name'),
  listHostGrantsOfRole: shown('hostname'),
  listSystemGrantsOfUser: shown('module_name'),
  listSystemGrantsOfRole: shown('module_name'),
  listAuthTokens: shown('name', 'description', 'value', 'creator'),
  listApplications: {
    ...ofApplications,
    ...shown('response_persons', 'has_parent', 'production', 'application_type'),
    parent_app: 'application',
  },
  listInstances: shown('hostname', 'status', 'version'),
  listInstanceTasks: shown('kind', 'status', 'creator', 'time__gt', 'time__lt'),
  listChildApps: ofApplications,
  listRequiredApps: ofApplications,
  listRequiredByApps: ofApplications,
  listResponsePersons: shown('type'),
  listProductions: shown('name'),
  listProductionApplications: shown('name'),
  listHosts: { ...shown('name', 'host_type', 'status', 'os_status', 'ip', 'location'), application: 'application' },
  listHostApplications: shown('name'),
  listHostTasks: { ...ofHostTasks, ...shown('kind', 'host') },
  listInitTasks: ofHostTasks,
  listStartTasks: ofHostTasks,
  listStopTasks: ofHostTasks,
  listRestartTasks: ofHostTasks,
  listShippedPackages: shown('name', 'type', 'maintainer'),
  listHostRequests: ofRequests,
  listDomainRequests: { ...ofRequests, ...shown('name', 'associated_app') },
  listCertificateRequests: { ...ofRequests, ...shown('domain', 'certificate_type') },
  listHostImportFindings: shown('difference', 'source', 'name'),
  listDeployTasks: {
    ...shown('creator', 'level', 'status', 'version', 'time__gt', 'time__lt', 'mine', 'awaiting_me'),
    application: 'application',
  },
  listSubUpgradeTasks: shown('status'),
  listSubRevertTasks: shown('status'),
  listDeployFreezes: { ...shown('production', 'active'), application: 'application' },
  listDeployScripts: shown('name', 'creator', 'language', 'content'),
  listDeployTemplates: shown('name', 'creator'),
  listPasswordCredentials: shown('name', 'username'),
  listSshKeyCredentials: shown('name', 'username'),
  listApprovalPolicies: { ...shown('kind', 'enabled'), application: 'application' },
  listDnsOperations: shown(...ofRecords, 'op_type', 'op_detail', 'op_target'),
  listHostOperations: shown(...ofRecords, 'op_type', 'op_detail', 'hostname'),
  listAppOperations: shown(...ofRecords, 'op_type', 'op_detail', 'app_name'),
  listModuleAuthorizations: shown(...ofRecords, ...ofGrants, 'module_name'),
  listResourceAuthorizations: shown(...ofRecords, ...ofGrants, 'resource_type', 'resource_id'),
  listAuditRecords: shown(
    ...ofRecords,
    'op_type',
    'op_detail',
    'area',
    'target_type',
    'target_id',
    'channel',
    'remote_addr',
    'request_id',
  ),
  listNavigators: shown('name'),
};

/** Throws for a filter that the caller may not use; false if one names a hidden object, so that nothing matches. */
export async function filtersMatch(
  listId: string,
  query: Readonly<Record<string, unknown>>,
  ctx: Ctx,
): Promise<boolean> {
  for (const [name, right] of Object.entries(filterRights[listId] ?? {})) {
    const value = query[name];
    if (value === undefined || right === 'shown') continue;
    if (right === 'application') {
      if ((await mayOn(ctx.db, ctx.subject, 'application', 'view_app', value as number)) === 'hidden') return false;
    } else if (!(right !== 'view_user' && (await isOwn(right, value, ctx)))) demandSystem(ctx, 'view_user');
  }
  return true;
}

async function isOwn(right: 'own_user' | 'own_role', value: unknown, { db, actor, subject }: Ctx): Promise<boolean> {
  if (right === 'own_user') return value === actor.user.username;
  const roles = db.selectFrom('roles').where('id', 'in', subject.roleIds.length > 0 ? subject.roleIds : [0]);
  const names = await roles.select('name').execute();
  return typeof value === 'string' && names.some(({ name }) => name.toLowerCase() === value.toLowerCase());
}
