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

/** The directory of Salt's runner, if it has one. */
export function minionsOf({ salt }: Runners): MinionDirectory | null {
  return salt && 'minions' in salt && typeof salt.minions === 'function'
    ? (salt as typeof salt & MinionDirectory)
    : null;
}
