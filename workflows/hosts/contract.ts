import { defineUpdate } from '@temporalio/workflow';
import type { ProblemWire } from '../problems/problem.ts';
import type { Actor, ResultStatus } from '../tasks/contract.ts';

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

interface RunnerFacts {
  /** The setting (a key of the configuration) that turns it on. */
  setting: string;
  /**
   * What leads to its hosts. A `folder` is one of the worker's own machine: there is no way to admit, no root to become, and
   * every worker deletes the old jobs of its own.
   */
  reachedBy: 'minion' | 'address' | 'folder';
}

/** The runners. A new one is an entry here, its driver, and a migration for the check constraint of `hosts.runner`. */
export const runnerTable = {
  salt: { setting: 'saltUrl', reachedBy: 'minion' },
  ssh: { setting: 'sshKeyFile', reachedBy: 'address' },
  local: { setting: 'localRunner', reachedBy: 'folder' },
} as const satisfies Record<string, RunnerFacts>;

export type RunnerName = keyof typeof runnerTable;

export const runnerNames = Object.keys(runnerTable) as RunnerName[];

/** Whether its hosts are folders of the worker's machine. */
export const isFolder = (runner: RunnerName): boolean => runnerTable[runner].reachedBy === 'folder';

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

/** `host-task/17/chunk/2`, counted from 1 */
export const hostChunkWorkflowId = (taskId: number, chunk: number): string =>
  `${hostTaskWorkflowId(taskId)}/chunk/${chunk}`;

/** `host-removal/12` */
export const hostRemovalWorkflowId = (hostId: number): string => `host-removal/${hostId}`;

/** Hosts per workflow; more are fanned out to children of this size. */
export const hostsPerChunk = 50;

export interface HostTarget {
  position: number;
  hostId: number;
  name: string;
}

/** Input of `hostTask`. */
export interface HostTaskInput {
  taskId: number;
  kind: HostTaskKind;
  hosts: HostTarget[];
  /** Whether to suppress alarms of monitoring meanwhile. */
  maintenance: boolean;
}

/** Input of `hostTaskChunk`. */
export interface HostChunkInput extends HostTaskInput {
  /** From 1. */
  chunk: number;
}

/** Input of `initHosts`, of tasks begun before `hostTask`. */
export interface InitHostsInput {
  taskId: number;
  hosts: { position: number; hostId: number }[];
  actor: Actor;
}

/** A host of a task. */
export interface HostAt {
  taskId: number;
  position: number;
}

export interface HostOutcome {
  status: ResultStatus;
  errorCode: number | null;
  message: string | null;
}

/** The outcome for a host, before it is recorded: `problem` says why it failed, `warning` reports a side problem. */
export interface HostEnd {
  status: 'finished' | 'failed' | 'unknown';
  problem: ProblemWire | null;
  warning: ProblemWire | null;
}

/** Input of the update `cancel`. */
interface CancelHostsInput {
  actor: Actor;
}

/** Fails the hosts not begun; returns their number. */
export const cancelHostsUpdate = defineUpdate<number, [CancelHostsInput]>('cancel');
