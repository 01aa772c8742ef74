// What audit records say of applications, productions, hosts and what belongs to them.

export const inventoryRecords = {
  application_created: { en: 'created application {name}', zh: '创建应用 {name}' },
  application_changed: { en: 'changed {fields} of application {name}', zh: '修改应用 {name} 的 {fields}' },
  application_deleted: { en: 'deleted application {name}', zh: '删除应用 {name}' },
  commands_confirmed: {
    en: 'confirmed the commands of application {name}, sha256 {hash}',
    zh: '确认应用 {name} 的命令, sha256 {hash}',
  },
  host_attached: { en: 'host {host} attached to application {name}', zh: '主机 {host} 绑定到应用 {name}' },
  host_detached: { en: 'host {host} detached from application {name}', zh: '主机 {host} 从应用 {name} 解绑' },
  instances_begun: {
    en: '{action} of instances of application {name} on {hosts} begun by task {task}',
    zh: '任务 {task} 开始{action}应用 {name} 在 {hosts} 上的实例',
  },
  instances_ended: {
    en: '{action} of instances of application {name} by task {task}: {status}',
    zh: '任务 {task} {action}应用 {name} 的实例: {status}',
  },
  production_created: { en: 'created production {name}', zh: '创建产品线 {name}' },
  production_changed: { en: 'changed production {name}', zh: '修改产品线 {name}' },
  production_deleted: { en: 'deleted production {name}', zh: '删除产品线 {name}' },
  navigator_created: { en: 'navigator {name} created', zh: '创建导航 {name}' },
  navigator_changed: { en: 'navigator {name} changed', zh: '修改导航 {name}' },
  navigator_deleted: { en: 'navigator {name} deleted', zh: '删除导航 {name}' },
  package_added: { en: 'added shipped package {name}', zh: '添加安装包 {name}' },
  package_changed: { en: 'changed shipped package {name}', zh: '修改安装包 {name}' },
  package_deleted: { en: 'deleted shipped package {name}', zh: '删除安装包 {name}' },
  host_added: { en: 'added host {name}', zh: '添加主机 {name}' },
  host_changed: { en: 'changed {fields} of host {name}', zh: '修改主机 {name} 的 {fields}' },
  host_deleted: { en: 'deleted host {name}', zh: '删除主机 {name}' },
  host_admitted: { en: 'admitted host {name} by the way {way}', zh: '准入主机 {name}, 访问方式 {way}' },
  host_found: { en: 'added host {name}, found by import {id}', zh: '由导入 {id} 发现并添加主机 {name}' },
  host_task_begun: { en: '{kind} of host {name} begun by task {task}', zh: '任务 {task} 开始{kind}主机 {name}' },
  host_task_ended: {
    en: '{kind} of host {name} by task {task}: {status}',
    zh: '任务 {task} {kind}主机 {name}: {status}',
  },
  host_task_cancelled: {
    en: 'cancelled task {task} ({kind}): {n} {n:host|hosts} had not begun',
    zh: '取消任务 {task} ({kind}): {n} 台主机尚未开始',
  },
  import_begun: { en: 'import of hosts from {sources} begun', zh: '开始导入主机: {sources}' },
  comparison_begun: { en: 'comparison of hosts from {sources} begun', zh: '开始比对主机: {sources}' },
  adoption_begun: {
    en: 'adoption of {n} {n:finding|findings} of import {id} begun',
    zh: '开始采纳导入 {id} 的 {n} 个发现',
  },
  adoption_of_all_begun: { en: 'adoption of all findings of import {id} begun', zh: '开始采纳导入 {id} 的全部发现' },

  // words
  kind_start: { en: 'start', zh: '启动' },
  kind_stop: { en: 'stop', zh: '停止' },
  kind_restart: { en: 'restart', zh: '重启' },
  kind_init: { en: 'init', zh: '初始化' },
  kind_change_status: { en: 'change status', zh: '变更状态' },
  kind_change_zabbix_opts: { en: 'change zabbix opts', zh: '变更 zabbix 配置' },
  status_waiting: { en: 'waiting', zh: '等待' },
  status_running: { en: 'running', zh: '执行中' },
  status_finished: { en: 'finished', zh: '成功' },
  status_failed: { en: 'failed', zh: '失败' },
  status_unknown: { en: 'unknown', zh: '未知' },
} as const;
