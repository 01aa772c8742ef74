// Salt knows its minions, and what they say of themselves. That is no part of running commands: a runner has it or not.
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

/** What the master does with a key. */
export type KeyState = (typeof keyStates)[number];

/** Salt's keys, for minions that are installed over SSH. Every method throws ProviderError only. */
export interface MinionKeys {
  /** How hosts reach the master: a name or address, with a port where it is not Salt's own. */
  readonly master: string;
  /** Of the master's public key, as all fingerprints here: sha256, in hexadecimal with colons. */
  masterFingerprint(): Promise<string>;
  /** Fingerprints of the keys that came under this minion's name. */
  of(minion: string): Promise<Partial<Record<KeyState, string>>>;
  /** Accepts the pending key of a minion; harmless when there is none. */
  accept(minion: string): Promise<void>;
}

/** The directory of Salt's runner, if it has one. */
export function minionsOf({ salt }: Runners): MinionDirectory | null {
  return salt && 'minions' in salt && typeof salt.minions === 'function'
    ? (salt as typeof salt & MinionDirectory)
    : null;
}
