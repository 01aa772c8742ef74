// When an instance may be started, stopped or restarted: pure functions.
import type { HostStatus } from '../hosts/contract.ts';
import { Problem } from '../problems/problem.ts';
import type { InstanceAction, InstanceStatus } from './contract.ts';

interface InstanceView {
  id: number;
  status: InstanceStatus;
  busyTaskId: number | null;
  hostname: string;
  hostStatus: HostStatus;
}

/** The application's start and stop commands; empty: not configured. */
interface InstanceCommands {
  startupCmd: string;
  stopCmd: string;
}

/** Returns why an action on an instance must not begin. */
export function canAct(action: InstanceAction, view: InstanceView, commands: InstanceCommands): Problem | undefined {
  const { id, status, busyTaskId, hostname, hostStatus } = view;
  if (busyTaskId !== null) return new Problem('instance_busy', { id, task_id: busyTaskId });
  const there = { start: 'running', stop: 'stopped', restart: null } as const;
  if (status === there[action]) return new Problem('instance_is', { id, status });
  const starts = action !== 'stop';
  const stops = action === 'stop' || (action === 'restart' && status !== 'stopped');
  if (starts && commands.startupCmd === '') return new Problem('not_configured', { field: 'startup_cmd' });
  if (stops && commands.stopCmd === '') return new Problem('not_configured', { field: 'stop_cmd' });
  return hostStatus === 'offline' ? new Problem('host_is', { name: hostname, status: hostStatus }) : undefined;
}
