// Machines of a double: a stopped machine stays stopped, and a change takes a few looks to show.
import type { PowerAction } from '../../../activities/providers/cloud/driver.ts';

type FleetState = 'running' | 'stopped' | 'starting' | 'stopping' | 'restarting';

export interface FleetMachine {
  id: string;
  name: string;
  account: string;
  region: string;
  address: string;
  state: FleetState;
  /** The last power change that was begun. */
  last: { action: PowerAction; request: string; time: Date } | null;
  /** Every restart that was begun, newest first. */
  restarts: string[];
  /** What is to come, after so many more looks. */
  next: { state: FleetState; looks: number } | null;
}

const passing = { start: 'starting', stop: 'stopping', restart: 'restarting' } as const;
const reached = { start: 'running', stop: 'stopped', restart: 'running' } as const;

export class MachineFleet {
  readonly machines = new Map<string, FleetMachine>();
  readonly begun: { id: string; action: PowerAction; force: boolean }[] = [];
  /** Looks that a change takes. */
  looks = 2;
  #made = 0;

  add(over: Pick<FleetMachine, 'id'> & Partial<FleetMachine>): FleetMachine {
    const number = (this.#made += 1);
    const machine: FleetMachine = {
      name: `web-${over.id}`,
      account: 'main',
      region: 'r-1',
      state: 'running',
      last: null,
      next: null,
      restarts: [],
      address: `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`,
      ...over,
    };
    this.machines.set(machine.id, machine);
    return machine;
  }

  /** The machine as one more look finds it. */
  look(machine: FleetMachine): FleetMachine {
    const { next } = machine;
    if (next && next.looks-- <= 0) {
      machine.state = next.state;
      machine.next = null;
    }
    return machine;
  }

  /** Whether the machine is in a state from which the change can begin. */
  allows({ state }: FleetMachine, action: PowerAction): boolean {
    return state === (action === 'start' ? 'stopped' : 'running');
  }

  begin(machine: FleetMachine, action: PowerAction, force: boolean, request: string): void {
    this.begun.push({ id: machine.id, action, force });
    machine.state = passing[action];
    machine.next = { state: reached[action], looks: this.looks };
    machine.last = { action, request, time: new Date() };
    if (action === 'restart') machine.restarts.unshift(request);
  }

  begunOn(id: string): PowerAction[] {
    return this.begun.filter((one) => one.id === id).map(({ action }) => action);
  }
}
