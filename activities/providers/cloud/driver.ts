// Machines at a provider: one interface for every cloud and for power by IPMI. A driver covers all accounts and regions
// of its kind and finds a machine by its id in them. No provider takes client tokens for power: state, and for a restart the
// last one that the provider knows of, are read before, so that a lost answer is told by what changed since.
import type { HostType } from '../../../workflows/hosts/contract.ts';

/** `other`: the provider's word has no place here (it is in `detail`); `gone`: the provider does not know it any more. */
export type MachineState = 'running' | 'stopped' | 'starting' | 'stopping' | 'restarting' | 'other' | 'gone';

/** Where a machine is: the account's configured name, the provider's region or zone, and the provider's id. */
export interface MachinePlace {
  account: string;
  region: string;
  id: string;
}

export interface Machine {
  place: MachinePlace;
  name: string;
  state: MachineState;
  /** The provider's own word for the state. */
  detail: string;
  addresses: { address: string; addrType: 'PRIVATE' | 'PUBLIC' }[];
  /** Cores; null where the provider does not say. */
  cpu: number | null;
  /** MB */
  memory: number | null;
  osType: string;
  location: string;
  /** What the provider knows its last change of power by, for comparison; null: it does not say, or was not asked. */
  last: string | null;
}

/** How the management controller of a physical host is reached; the password is in clear: it stays in the driver. */
export interface IpmiAccess {
  /** A name or address, with `:port` if it is not 623. */
  address: string;
  username: string;
  password: string;
}

/** A machine as the inventory knows it; IPMI takes its address from `ipmi`. */
export interface MachineRef {
  /** The provider's id; null for physical hosts. */
  providerId: string | null;
  hostId: number;
  name: string;
  /** Where it was found before; null: not looked up yet. */
  place: MachinePlace | null;
  /** Of physical hosts, opened when it is used; throws `refused` when it can't be. Left out or null: there is none. */
  ipmi?: (() => IpmiAccess) | null;
}

export const powerActions = ['start', 'stop', 'restart'] as const;
export type PowerAction = (typeof powerActions)[number];

/** A call whose answer never came. */
export interface AskedBefore {
  time: Date;
  /** The machine's `last` before it. */
  last: string | null;
}

export interface PowerRequest {
  action: PowerAction;
  /** A hard power-off or reset: the guest is not asked. */
  force: boolean;
  /** Unique for this call and kept over its repetitions; at most 64 of `[A-Za-z0-9_-]`. */
  token: string;
  /** Set when this call was tried and its answer never came: what the machine did since may be its effect. */
  askedBefore: AskedBefore | null;
  /** The machine as it was found just now; left out, it is looked up. */
  seen?: Machine;
}

/**
 * What the provider answered: `job` is its asynchronous job when it has such (polled with `finished`), else null and the
 * machine's state tells. Keep it before anything else: a repetition goes on from it.
 */
export interface PowerAnswer {
  job: string | null;
  /** What a person should know, such as "was running already". */
  note: string | null;
}

/**
 * Every method throws ProviderError only (`refused`: final; `unavailable`: may be tried again; `throttled`: asked too
 * often, with the time to wait; `OutcomeUnknownError`: nobody can tell whether a restart came); no secret in it.
 */
export interface CloudDriver {
  /** For messages: "Tencent Cloud CVM". */
  readonly name: string;
  /** Looks a machine up; `gone` when none of the accounts has it. `withLast`: with its `last`, if need be by another call. */
  find(machine: MachineRef, wish?: { withLast: boolean }): Promise<Machine>;
  /** Asks for a change of power; resolves when the provider has accepted it. What is so already is not asked for. */
  power(machine: MachineRef, request: PowerRequest): Promise<PowerAnswer>;
  /** Whether an asynchronous job has ended well; throws `refused` when it failed. */
  finished(machine: MachineRef, job: string): Promise<boolean>;
  /** Every machine of every account and region, in pages; read-only. */
  list(): AsyncIterable<Machine[]>;
}

/** The drivers in use by host type; a type without configuration is left out. */
export type Clouds = Partial<Record<HostType, CloudDriver>>;
