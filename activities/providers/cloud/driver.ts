// The driver interface for machines, for every cloud and for IPMI. A driver covers all accounts and regions of its kind and
// finds machines by id. Providers take no idempotency tokens for power, so state and last restart are read before a call; if
// its response is lost, a comparison shows whether it took effect.
import type { HostType } from '../../../workflows/hosts/contract.ts';

/** `other`: a state with no equivalent here (see `detail`); `gone`: the provider no longer knows the machine. */
export type MachineState = 'running' | 'stopped' | 'starting' | 'stopping' | 'restarting' | 'other' | 'gone';

/** A machine's location: the account's configured name, the provider's region or zone, and the provider's id. */
export interface MachinePlace {
  account: string;
  region: string;
  id: string;
}

export interface Machine {
  place: MachinePlace;
  name: string;
  state: MachineState;
  /** The provider's own name of the state. */
  detail: string;
  addresses: { address: string; addrType: 'PRIVATE' | 'PUBLIC' }[];
  /** Cores; null if the provider does not report them. */
  cpu: number | null;
  /** MB */
  memory: number | null;
  osType: string;
  location: string;
  /** Identifies the provider's last power change, for comparison; null: not reported, or not queried. */
  last: string | null;
}

/** Access to a physical host's management controller. The password is in clear text: it must stay in the driver. */
export interface IpmiAccess {
  /** A name or address, with `:port` if it is not 623. */
  address: string;
  username: string;
  password: string;
}

/** A machine as the inventory knows it; IPMI uses the address in `ipmi`. */
export interface MachineRef {
  /** The provider's id; null for physical hosts. */
  providerId: string | null;
  hostId: number;
  name: string;
  /** Its last known location; null: not looked up yet. */
  place: MachinePlace | null;
  /** For physical hosts, decrypted at use; throws `refused` when that fails. Absent or null: not configured. */
  ipmi?: (() => IpmiAccess) | null;
}

export const powerActions = ['start', 'stop', 'restart'] as const;
export type PowerAction = (typeof powerActions)[number];

/** An earlier call without a response. */
export interface AskedBefore {
  time: Date;
  /** The machine's `last` before the call. */
  last: string | null;
}

export interface PowerRequest {
  action: PowerAction;
  /** A hard power-off or reset, bypassing the guest. */
  force: boolean;
  /** Unique per call and kept over its retries; at most 64 of `[A-Za-z0-9_-]`. */
  token: string;
  /** Set when an earlier attempt got no response: later changes of the machine may be its effect. */
  askedBefore: AskedBefore | null;
  /** The machine as just read; looked up if absent. */
  seen?: Machine;
}

/**
 * The provider's response. `job`: its asynchronous job (polled with `finished`), or null if the machine's state shows the
 * progress. Store it first: a retry resumes from it.
 */
export interface PowerAnswer {
  job: string | null;
  /** A note for people, such as "was running already". */
  note: string | null;
}

/**
 * Every method throws ProviderError only (`refused`: final; `unavailable`: retryable; `throttled`: too many calls, with the
 * delay; `OutcomeUnknownError`: a restart may or may not have happened), without secrets.
 */
export interface CloudDriver {
  /** For messages: "Tencent Cloud CVM". */
  readonly name: string;
  /** Looks a machine up; `gone` when no account has it. `withLast`: includes `last`, with another call if needed. */
  find(machine: MachineRef, wish?: { withLast: boolean }): Promise<Machine>;
  /** Requests a power change; resolves when the provider has accepted it. Skips changes already reached. */
  power(machine: MachineRef, request: PowerRequest): Promise<PowerAnswer>;
  /** Whether an asynchronous job has succeeded; throws `refused` when it failed. */
  finished(machine: MachineRef, job: string): Promise<boolean>;
  /** Lists every machine of every account and region, in pages; read-only. */
  list(): AsyncIterable<Machine[]>;
}

/** The configured drivers by host type. */
export type Clouds = Partial<Record<HostType, CloudDriver>>;
