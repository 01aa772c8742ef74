// Misspelt and renamed fields of the documented API, accepted on input and never written on output. An alias applies where
// the schema knows the canonical name but not the alias itself, so endpoints need no declaration.

interface Alias {
  from: string;
  to: string;
  /** Only for paths with this prefix. */
  under?: string;
}

const aliases: readonly Alias[] = [
  { from: 'shiped_packackages', to: 'shipped_packages' },
  { from: 'glboal_post_exec', to: 'global_post_exec' },
  { from: 'zabbix_temlates', to: 'zabbix_templates' },
  { from: 'deploy_source', to: 'package_source' },
  { from: 'run_users', to: 'run_user' },
  { from: 'permissions', to: 'permission' },
  { from: 'permission', to: 'permissions' },
  { from: 'login_users', to: 'users_with_login_perm' },
  { from: 'users_with_log_perm', to: 'users_with_login_perm' },
  { from: 'required_hosts', to: 'requested_hosts' },
  { from: 'record', to: 'name', under: '/dns-services/' },
  { from: 'record', to: 'name', under: '/resource-request/domains/' },
  { from: 'associate_app', to: 'associated_app' },
  { from: 'page_number', to: 'page' },
  { from: 'full_path', to: 'full_name' },
  { from: 'full_name', to: 'full_path' },
];

const values: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  op_type: {
    deatach_app: 'detach_app',
    deatach_host: 'detach_host',
    change_deploy_settings: 'change_deploy_setting',
  },
};

/** The canonical names that a field may stand for on an endpoint's path. */
export const canonicalNames = (field: string, path: string): string[] =>
  aliases.filter(({ from, under }) => from === field && path.startsWith(under ?? '/')).map(({ to }) => to);

/** A filter's value in its canonical spelling. */
export const canonicalValue = (field: string, value: string): string => values[field]?.[value] ?? value;
