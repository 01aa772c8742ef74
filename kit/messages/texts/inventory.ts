// What is wrong with fields of applications and hosts.

export const inventoryTexts = {
  must_be_an_application_name: {
    en: 'must be letters, digits, _ or -, and begin with a letter or digit',
    zh: '必须是字母、数字、_ 或 -, 以字母或数字开头',
  },
  full_name_too_long: { en: 'the full name would be longer than {n} characters', zh: '全名将超过 {n} 个字符' },
  too_many_response_persons: { en: 'an application has at most {n} response persons', zh: '每个应用最多 {n} 个负责人' },
  too_many_instances: { en: 'an application has at most {n} instances', zh: '每个应用最多 {n} 个实例' },
  is_not_the_host_name: { en: "is not the host's name", zh: '与主机名不符' },
  must_be_a_system_user: { en: 'must be a system user', zh: '必须是系统用户' },
  must_be_a_host_name: {
    en: 'must be letters, digits, - and ., with a letter or digit at both ends',
    zh: '必须是字母、数字、- 或 ., 首尾为字母或数字',
  },
  must_be_an_address_or_host_name: { en: 'must be an address or a host name', zh: '必须是地址或主机名' },
  must_be_a_minion: { en: 'must be the name of a minion', zh: '必须是 minion 名称' },
  must_be_a_netmask: { en: 'must be a netmask or a prefix length', zh: '必须是子网掩码或前缀长度' },
  must_be_a_canonical_address: {
    en: 'must be an IPv4 or IPv6 address in canonical form',
    zh: '必须是规范格式的 IPv4 或 IPv6 地址',
  },
  phy_host_has_none: { en: 'must not be given for a PHY_HOST', zh: 'PHY_HOST 没有此项' },
  is_for_a_phy_host: { en: 'is for a PHY_HOST only', zh: '仅适用于 PHY_HOST' },
  is_needed_no_password_stored: {
    en: 'is needed: none is stored for this address',
    zh: '必填: 该地址没有已保存的密码',
  },
  local_runner_off: {
    en: 'the local runner is disabled; set SLIPWAY_LOCAL_RUNNER to enable it',
    zh: '此处未启用 local runner; 可用 SLIPWAY_LOCAL_RUNNER 启用',
  },
  runner_not_configured: {
    en: 'the runner "{name}" is not configured: {mistake}',
    zh: '未配置 runner "{name}": {mistake}',
  },
  variable_not_set: { en: '{variable} is not set', zh: '未设置 {variable}' },
  host_has_no: { en: 'host {name} has no {field}', zh: '主机 {name} 没有 {field}' },
  both: { en: '{one}; {other}', zh: '{one}; {other}' },
  instances_left: { en: '{n} {n:instance|instances}{names}', zh: '{n} 个实例{names}' },
  children_left: { en: '{n} {n:child|children}{names}', zh: '{n} 个子应用{names}' },
  dependents_left: {
    en: '{n} {n:application that requires it|applications that require it}{names}',
    zh: '{n} 个依赖它的应用{names}',
  },
  deploy_tasks_left: { en: '{n} open deploy {n:task|tasks}{names}', zh: '{n} 个未结束的发布任务{names}' },
} as const;
