// Messages of problems with applications, productions, instances and logs.

export const inventoryProblems = {
  leaves_policy: {
    en: 'not allowed: this leaves the approval policy "{policy}", which only an administrator may do',
    zh: '没有权限: 此操作会脱离审批策略 "{policy}", 仅管理员可执行',
  },
  cycle: { en: 'this link would close a cycle: {path}', zh: '会形成循环依赖: {path}' },
  too_deep: { en: 'applications nest at most {n} levels deep', zh: '应用层级最多 {n} 层' },
  belongs_elsewhere: { en: '{name} already belongs to {other}', zh: '{name} 已属于 {other}' },
  application_has: { en: 'the application still has {what}', zh: '应用仍有 {what}' },
  production_has: { en: 'the production still has {n} {n:application|applications}', zh: '产品线仍有 {n} 个应用' },
  production_in_policies: {
    en: '{n} approval {n:policy is|policies are} about the production',
    zh: '{n} 个审批策略使用该产品线',
  },
  instance_exists: { en: 'the application already has an instance on {host}', zh: '应用在 {host} 上已有实例' },
  instance_busy: { en: 'instance {id} is busy with task {task_id}', zh: '实例 {id} 正被任务 {task_id} 占用' },
  instance_is: { en: 'instance {id} is {status}', zh: '实例 {id} 当前状态为 {status}' },
  instance_elsewhere: { en: 'instance {id} does not belong to the application', zh: '实例 {id} 不属于该应用' },
  import_is: { en: 'the import {id} is {status}', zh: '导入 {id} 当前状态为 {status}' },
  finding_is: { en: 'the finding {id} is {difference}', zh: '发现 {id} 的状态为 {difference}' },
  source_unset: { en: '{source} is not configured: {variable} is not set', zh: '{source} 未配置: 未设置 {variable}' },
  not_configured: { en: 'the application has no {field}', zh: '应用未配置 {field}' },
  no_pending_commands: { en: 'the application has no commands awaiting confirmation', zh: '应用没有待确认的命令' },
  own_commands: {
    en: 'not allowed: you wrote these commands; someone else has to confirm them',
    zh: '没有权限: 这些命令由您编写; 需要其他人确认',
  },
  commands_differ: {
    en: 'the commands have changed: their hash is now {present}; review them again',
    zh: '命令已变更: 当前哈希为 {present}; 请重新查看',
  },
  commands_unconfirmed: {
    en: 'the commands of the application await confirmation: a reviewer other than their author confirms them with POST /applications/{id}/actions/confirm-commands/ and the hash in pending_commands',
    zh: '应用的命令待确认: 需要编写者以外的审批人以 pending_commands 中的 hash 调用 POST /applications/{id}/actions/confirm-commands/',
  },
  log_absent: { en: 'the log file does not exist', zh: '日志文件不存在' },
  log_not_a_file: { en: 'the log is not a regular file', zh: '日志不是普通文件' },
  log_outside: { en: 'the log file lies outside the configured log roots', zh: '日志文件不在配置的日志目录内' },
  log_unreadable: { en: 'the log file cannot be read: {reason}', zh: '无法读取日志文件: {reason}' },
  too_much_to_scan: {
    en: 'finding these lines would mean scanning more than 256 MiB, or more than the host reads in time: use bytes',
    zh: '读取这些行需要扫描超过 256 MiB, 或主机来不及读取: 请使用 bytes 模式',
  },
} as const;
