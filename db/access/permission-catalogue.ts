// The closed catalogue of permissions (of objects, and of the system's modules). Implications are defined here once; the SQL
// of db/access/ is generated from these tables.

export const applicationPermissions = [
  'view_app',
  'edit_app',
  'delete_app',
  'deploy_app',
  'review_app_deploy_task',
  'restart_app',
  'view_app_log',
  'view_app_monitor',
] as const;
export type ApplicationPermission = (typeof applicationPermissions)[number];

export const hostPermissions = [
  'view_host',
  'edit_host',
  'delete_host',
  'init_host',
  'restart_host',
  'login_host',
  'deactivate_host',
] as const;
export type HostPermission = (typeof hostPermissions)[number];

interface Module {
  /** The first is the module's own switch. */
  permissions: readonly [string, ...string[]];
  label: { en: string; zh: string };
  aliases: readonly string[];
}

export const modules = {
  resource_req: {
    permissions: [
      'enable_resource_req',
      'create_resource_req',
      'approve_host_req',
      'approve_domain_req',
      'approve_ssl_cert_req',
    ],
    label: { en: 'Resource requests', zh: '资源申请' },
    aliases: [],
  },
  app_mgmt: {
    permissions: ['enable_app_mgmt', 'view_app', 'edit_app', 'delete_app', 'create_app', 'override_freeze'],
    label: { en: 'Applications', zh: '应用管理' },
    aliases: ['application'],
  },
  dns_mgmt: {
    permissions: ['enable_dns_mgmt', 'manage_dns_server', 'manage_dns_record'],
    label: { en: 'DNS', zh: 'DNS管理' },
    aliases: ['dns'],
  },
  host_mgmt: {
    permissions: ['enable_host_mgmt', 'view_host', 'add_host', 'edit_host', 'delete_host', 'manage_host'],
    label: { en: 'Hosts', zh: '主机管理' },
    aliases: ['host'],
  },
  business_mgmt: {
    permissions: ['enable_business_mgmt', 'view_business', 'add_business', 'delete_business'],
    label: { en: 'Production lines', zh: '产品线管理' },
    aliases: ['business'],
  },
  navigator: {
    permissions: ['enable_navigator', 'view_navigator', 'manage_navigator'],
    label: { en: 'Navigators', zh: '导航管理' },
    aliases: [],
  },
  common_tools: {
    permissions: [
      'enable_common_tools',
      'enable_cdn_refresher',
      'enable_jumpserver_log_mgmt',
      'manage_cdn_config',
      'ingest_jump_server_log',
    ],
    label: { en: 'Common tools', zh: '常用工具' },
    aliases: [],
  },
  deploy_template_mgmt: {
    permissions: ['enable_deploy_template_mgmt'],
    label: { en: 'Deploy templates', zh: '部署模板管理' },
    aliases: [],
  },
  user_mgmt: {
    permissions: ['enable_user_mgmt', 'view_user', 'manage_user', 'manage_role'],
    label: { en: 'Users', zh: '用户管理' },
    aliases: [],
  },
  engine: { permissions: ['use_engine_ui'], label: { en: 'Workflow engine', zh: '工作流引擎' }, aliases: [] },
  audit: { permissions: ['enable_audit', 'export_audit'], label: { en: 'Audit', zh: '审计' }, aliases: [] },
} as const satisfies Record<string, Module>;

export type ModuleName = keyof typeof modules;
export type SystemPermission = (typeof modules)[ModuleName]['permissions'][number];

/** Names of the source that mean a canonical one, on input only. */
export const permissionAliases: Record<string, SystemPermission> = {
  add_app: 'create_app',
  manage_app: 'edit_app',
  delte_app: 'delete_app',
};

/** Any right on an object lets the user view it. */
const impliedBySystem = {
  view_app: ['view_app', 'edit_app', 'delete_app'],
  edit_app: ['edit_app'],
  delete_app: ['delete_app'],
  deploy_app: [],
  review_app_deploy_task: [],
  restart_app: [],
  view_app_log: [],
  view_app_monitor: [],
  view_host: ['view_host', 'edit_host', 'delete_host', 'manage_host'],
  edit_host: ['edit_host'],
  delete_host: ['delete_host'],
  init_host: ['manage_host'],
  restart_host: ['manage_host'],
  login_host: [],
  deactivate_host: ['manage_host'],
} as const satisfies Record<ApplicationPermission | HostPermission, readonly SystemPermission[]>;

/** System permissions that cover an object permission on every object. */
export const coveredBy = (permission: ApplicationPermission | HostPermission): readonly SystemPermission[] =>
  impliedBySystem[permission];

/** Direct grants that confer an object permission: itself, and for the viewing one any other. */
export function grantedBy(permission: ApplicationPermission | HostPermission): readonly string[] {
  if (permission === 'view_app') return applicationPermissions;
  if (permission === 'view_host') return hostPermissions;
  return [permission];
}

const impliedWithin: Partial<Record<SystemPermission, readonly SystemPermission[]>> = {
  manage_dns_server: ['manage_dns_record'],
  manage_navigator: ['view_navigator'],
  add_business: ['view_business'],
  delete_business: ['view_business'],
};

const moduleOf = new Map<string, ModuleName>(
  Object.entries(modules).flatMap(([name, { permissions }]) => permissions.map((p) => [p, name as ModuleName])),
);

/** Effective permissions of stored system grants: those of disabled modules are dropped, implications are added. */
export function effectiveSystem(granted: Iterable<string>): Set<SystemPermission> {
  const stored = new Set(granted);
  const effective = new Set<SystemPermission>();
  for (const permission of stored) {
    const module = moduleOf.get(permission);
    if (!module || !stored.has(modules[module].permissions[0])) continue;
    effective.add(permission as SystemPermission);
    for (const implied of impliedWithin[permission as SystemPermission] ?? []) effective.add(implied);
  }
  return effective;
}

/** The module switch that a system permission also requires. */
export function switchOf(permission: SystemPermission): SystemPermission {
  const module = moduleOf.get(permission);
  if (!module) throw new Error(`no module defines ${permission}`);
  return modules[module].permissions[0];
}
