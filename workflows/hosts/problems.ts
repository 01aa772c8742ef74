// The documented codes of host tasks. A failure after a task began is in its results; an earlier refusal is the HTTP
// response. The same number means different things in tables A, B and C.
import { conflict, define } from '../problems/define.ts';

export const hostProblems = {
  host_busy: conflict('host {name} is busy with task {task_id}', '主机 {name} 正被任务 {task_id} 占用'),
  host_is: conflict('host {name} is {status}', '主机 {name} 当前状态为 {status}'),
  host_cannot_go: conflict('host {name} cannot go from {from} to {to}', '主机 {name} 不能从 {from} 变更为 {to}'),
  host_has_instances: conflict('host {name} still has {n} instances', '主机 {name} 仍有 {n} 个应用实例'),
  host_without_instances: conflict('host {name} has no instance', '主机 {name} 没有应用实例'),
  host_silent: define(10008, 503, 'host {name} does not answer: {reason}', '主机 {name} 无响应: {reason}'),
  host_task_ended: conflict('the task has ended: {status}', '任务已结束: {status}'),
  host_task_cancelled: conflict('cancelled by {by} before it began', '在开始前被 {by} 取消'),
  host_task_lost: conflict('not known how it ended: {reason}', '结果未知: {reason}'),
  host_not_begun: conflict('not begun: {reason}', '未开始: {reason}'),
  package_used: conflict('the package is used by {what}', '安装包正被 {what} 使用'),
  package_taken: conflict('{name} {version} is there already', '{name} {version} 已存在'),
  provider_id_taken: conflict('the provider id "{id}" is taken', '云主机 ID "{id}" 已存在'),

  machine_not_available: conflict('this machine is not available', '该机器不可用'),
  machine_taken: conflict('host {host} is this machine already', '主机 {host} 已是该机器'),
  way_changed: conflict('the host is reached by another way now: {way}', '主机的访问方式已变更: {way}'),
  host_not_admitted: conflict(
    'host {name} is new, or is reached in a new way: somebody with the system permission manage_host has to admit it first',
    '主机 {name} 是新主机或访问方式已变更: 需先由具有系统权限 manage_host 的人员准入',
  ),

  // A: start
  start_salt_failed: define(30001, 500, 'the call to SaltStack failed: {reason}', 'saltstack 调用失败: {reason}'),
  host_running: define(30002, 500, 'the host {name} is running already', '主机 {name} 正在运行中'),
  start_failed: define(30003, 500, 'starting failed: {reason}', '重启失败: {reason}'),
  start_unknown: define(30004, 500, 'unknown error: {reason}', '未知错误: {reason}'),

  // B: stop, restart, change-status
  power_salt_failed: define(30001, 500, 'the call to SaltStack failed: {reason}', 'saltstack 调用失败: {reason}'),
  cloudstack_failed: define(
    30002,
    500,
    'the call to the CloudStack API failed: {reason}',
    'cloudstack API调用失败: {reason}',
  ),
  tencent_failed: define(
    30003,
    500,
    'the call to the Tencent Cloud API failed: {reason}',
    '腾讯云API调用失败: {reason}',
  ),
  cpm_failed: define(
    30004,
    500,
    'the call to the Tencent CPM API failed: {reason}',
    '腾讯云黑石物理机API调用失败: {reason}',
  ),
  ecs_failed: define(30005, 500, 'the call to the Alibaba Cloud API failed: {reason}', '阿里云API调用失败: {reason}'),
  ipmi_failed: define(30006, 500, 'the IPMI command failed: {reason}', 'IPMI 调用失败: {reason}'),
  status_zabbix_failed: define(30007, 500, 'Zabbix failed: {reason}', 'zabbix 调用失败: {reason}'),

  // C: Zabbix, initialisation
  zabbix_failed: define(30001, 500, 'the call to the Zabbix API failed: {reason}', 'zabbix API 调用失败: {reason}'),
  zabbix_no_template: define(30002, 500, 'template "{name}" does not exist', '模板 "{name}" 不存在'),
  zabbix_no_group: define(30003, 500, 'Zabbix group "{name}" does not exist', 'zabbix group "{name}" 不存在'),
  salt_failed: define(30004, 500, 'the call to SaltStack failed: {reason}', 'saltstack 调用失败: {reason}'),

  // Warnings of a task that succeeded
  no_maintenance: conflict('no Zabbix maintenance: {reason}', '未能设置 zabbix 维护: {reason}'),
  not_probed: conflict('its instances could not be probed: {reason}', '未能检查其应用实例: {reason}'),
} as const;
