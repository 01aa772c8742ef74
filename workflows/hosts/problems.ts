// The documented codes of host tasks. A failure after a task began is in its results; an earlier refusal is the HTTP
// response. The same number means different things in tables A, B and C.
import { conflict, define } from '../problems/define.ts';

export const hostProblems = {
  host_busy: conflict('name', 'task_id'),
  host_is: conflict('name', 'status'),
  host_cannot_go: conflict('name', 'from', 'to'),
  host_has_instances: conflict('name', 'n'),
  host_without_instances: conflict('name'),
  host_silent: define(10008, 503, 'name', 'reason'),
  host_task_ended: conflict('status'),
  host_task_cancelled: conflict('by'),
  host_task_lost: conflict('reason'),
  host_not_begun: conflict('reason'),
  package_used: conflict('what'),
  package_taken: conflict('name', 'version'),
  provider_id_taken: conflict('id'),

  machine_not_available: conflict(),
  machine_taken: conflict('host'),
  way_changed: conflict('way'),
  host_not_admitted: conflict('name'),

  // A: start
  start_salt_failed: define(30001, 500, 'reason'),
  host_running: define(30002, 500, 'name'),
  start_failed: define(30003, 500, 'reason'),
  start_unknown: define(30004, 500, 'reason'),

  // B: stop, restart, change-status
  power_salt_failed: define(30001, 500, 'reason'),
  cloudstack_failed: define(30002, 500, 'reason'),
  tencent_failed: define(30003, 500, 'reason'),
  cpm_failed: define(30004, 500, 'reason'),
  ecs_failed: define(30005, 500, 'reason'),
  ipmi_failed: define(30006, 500, 'reason'),
  status_zabbix_failed: define(30007, 500, 'reason'),

  // C: Zabbix, initialisation
  zabbix_failed: define(30001, 500, 'reason'),
  zabbix_no_template: define(30002, 500, 'name'),
  zabbix_no_group: define(30003, 500, 'name'),
  salt_failed: define(30004, 500, 'reason'),

  // Warnings of a task that succeeded
  no_maintenance: conflict('reason'),
  not_probed: conflict('reason'),
} as const;
