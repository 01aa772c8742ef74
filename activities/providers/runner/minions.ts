// Interfaces of Salt's minions and their keys, separate from running commands: only Salt's runner has them.
import type { Runners } from './registry.ts';

export interface Minion {
  id: string;
  addresses: string[];
  cpu: number | null;
  /** MB */
  memory: number | null;
  osType: string;
}

export interface MinionDirectory {
  /** Every accepted minion, in pages; read-only. Throws ProviderError only. */
  minions(): AsyncIterable<Minion[]>;
}

export const keyStates = ['accepted', 'pending', 'rejected', 'denied'] as const;

/** The state of a key at the master. */
export type KeyState = (typeof keyStates)[number];

/** Salt's keys, for minions installed over SSH. Every method throws ProviderError only. */
export interface MinionKeys {
  /** The master's name or address for hosts, with a port unless it is Salt's default. */
  readonly master: string;
  /** Of the master's public key; all fingerprints here are sha256, in hexadecimal with colons. */
  masterFingerprint(): Promise<string>;
  /** Fingerprints of the keys submitted under this minion's name. */
  of(minion: string): Promise<Partial<Record<KeyState, string>>>;
  /** Accepts a minion's pending key; no effect when there is none. */
  accept(minion: string): Promise<void>;
}

/** The minion directory of Salt's runner, if it has one. */
export function minionsOf({ salt }: Runners): MinionDirectory | null {
  return salt && 'minions' in salt && typeof salt.minions === 'function'
    ? (salt as typeof salt & MinionDirectory)
    : null;
}
