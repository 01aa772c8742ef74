// The machine that an instance is deployed to, identified by the address its runner uses. The plan names it, a sub-task
// keeps it, and every step compares it with the host's current one.
import type { PlannedInstance, PlannedMachine } from '../../workflows/deploy/contract.ts';
import { runnerTable } from '../../workflows/hosts/contract.ts';
import type { RunnerName } from '../../workflows/hosts/contract.ts';
import { Problem } from '../../workflows/problems/problem.ts';

/** How the workers of this installation reach machines. */
export interface Reach {
  sshPort: number;
  /** The machine that local hosts are folders of. */
  worker: string;
}

export interface ReachedHost {
  hostId: number;
  hostname: string;
  runner: RunnerName;
  minionId: string | null;
  /** Empty: none. */
  address: string;
}

/** What a sub-task keeps of an instance's machine, with what its health check calls. */
export type KeptMachine = PlannedMachine & Pick<PlannedInstance, 'health_url'>;

export function machineOf({ hostId: host, hostname, runner, minionId, address }: ReachedHost, reach: Reach) {
  const machine: PlannedMachine = { host, runner };
  const { reachedBy: by } = runnerTable[runner];
  if (by === 'address') return { ...machine, address: address || hostname, port: reach.sshPort };
  if (by === 'minion') return { ...machine, minion: minionId ?? hostname };
  return { ...machine, worker: reach.worker };
}

const parts = ['host', 'runner', 'address', 'port', 'minion', 'worker'] as const;

/** Throws Problem naming the difference if a machine is not the one in the plan. */
export function demandSameMachine(hostname: string, planned: PlannedMachine, now: PlannedMachine): void {
  const differing = parts.filter((part) => planned[part] !== now[part]);
  if (differing.length === 0) return;
  const shown = (machine: PlannedMachine): string =>
    differing.map((part) => `${part} ${machine[part] ?? 'none'}`).join(' ');
  throw new Problem('machine_differs', { name: hostname, planned: shown(planned), now: shown(now) });
}

export const isSameMachine = (one: PlannedMachine, other: PlannedMachine): boolean =>
  parts.every((part) => one[part] === other[part]);

/** A machine as the process that will reach it knows the way. */
export function reachedBy(machine: PlannedMachine, { sshPort, worker }: Reach): PlannedMachine {
  const { reachedBy: by } = runnerTable[machine.runner];
  if (by === 'address') return { ...machine, port: sshPort };
  return by === 'folder' ? { ...machine, worker } : machine;
}
