import type { Actor, ResultStatus } from '../tasks.ts';

export const hostStatuses = ['raw', 'inited', 'attached', 'offline'] as const;
export type HostStatus = (typeof hostStatuses)[number];

export const osStatuses = ['stopped', 'running', 'restarting'] as const;
export type OsStatus = (typeof osStatuses)[number];

/** `TECENT` is the spelling of the documented API. */
export const hostTypes = [
  'ALI_ECS',
  'PHY_HOST',
  'TECENT_CVM',
  'TECENT_CPM',
  'CLOUDSTACK',
  'CLOUDSTACK_OFFICE',
] as const;
export type HostType = (typeof hostTypes)[number];

export const runnerNames = ['salt', 'ssh', 'local'] as const;
export type RunnerName = (typeof runnerNames)[number];

export const hostTaskKinds = ['start', 'stop', 'restart', 'init', 'change_status', 'change_zabbix_opts'] as const;
export type HostTaskKind = (typeof hostTaskKinds)[number];

export interface IpAddress {
  id: number;
  owner: 'HOST' | 'LB' | null;
  is_virtual: boolean;
  addr_type: 'PRIVATE' | 'PUBLIC';
  network: string;
  netmask: string;
  address: string;
}

/** `host-task/17` */
export const hostTaskWorkflowId = (taskId: number): string => `host-task/${taskId}`;

export interface InitHostsInput {
  taskId: number;
  hosts: { position: number; hostId: number }[];
  actor: Actor;
}

export interface HostOutcome {
  status: ResultStatus;
  errorCode: number | null;
  message: string | null;
}
