// When a task on a host may begin: pure functions.
import { Problem } from '../problems/problem.ts';
import type { ProblemName } from '../problems/problem.ts';
import type { HostStatus, HostTaskKind, HostType, OsStatus } from './contract.ts';

interface HostView {
  name: string;
  status: HostStatus;
  osStatus: OsStatus | null;
  busyTaskId: number | null;
}

/** Returns why a task of this kind must not begin on a host. */
export function canBegin(kind: HostTaskKind, { name, status, osStatus, busyTaskId }: HostView): Problem | undefined {
  if (busyTaskId !== null) return new Problem('host_busy', { name, task_id: busyTaskId });
  const isOff = status === 'offline';
  switch (kind) {
    case 'start':
      return osStatus === 'running' ? new Problem('host_running', { name }) : undefined;
    case 'stop':
    case 'restart':
      return osStatus === 'stopped' ? new Problem('host_is', { name, status: osStatus }) : undefined;
    case 'init':
      return status === 'raw' || status === 'inited' ? undefined : new Problem('host_is', { name, status });
    case 'change_status':
      return undefined;
    case 'change_zabbix_opts':
      return isOff ? new Problem('host_is', { name, status }) : undefined;
  }
}

const ways: Record<HostStatus, readonly HostStatus[]> = {
  raw: ['inited', 'offline'],
  inited: ['raw', 'attached', 'offline'],
  attached: ['inited', 'offline'],
  offline: ['raw'],
};

/** Returns why a host can't change to a status; `instances`: how many it has, `busyInstances`: those held by a task. */
export function canGo(
  { name, status: from }: HostView,
  to: HostStatus,
  { instances, busyInstance }: { instances: number; busyInstance: { id: number; taskId: number } | null },
): Problem | undefined {
  if (!ways[from].includes(to)) return new Problem('host_cannot_go', { name, from, to });
  if (to === 'offline')
    return busyInstance
      ? new Problem('instance_busy', { id: busyInstance.id, task_id: busyInstance.taskId })
      : undefined;
  if (to === 'attached') return instances === 0 ? new Problem('host_without_instances', { name }) : undefined;
  const mustBeEmpty = to === 'raw' || from === 'attached';
  return mustBeEmpty && instances > 0 ? new Problem('host_has_instances', { name, n: instances }) : undefined;
}

/** The documented problem of each failing provider when hosts are stopped, restarted or change status. */
export const cloudFailed = {
  CLOUDSTACK: 'cloudstack_failed',
  CLOUDSTACK_OFFICE: 'cloudstack_failed',
  TECENT_CVM: 'tencent_failed',
  TECENT_CPM: 'cpm_failed',
  ALI_ECS: 'ecs_failed',
  PHY_HOST: 'ipmi_failed',
} as const satisfies Record<HostType, ProblemName>;
