// The environment of a chaos run: an application on hosts, the whole of Slipway, and which of its servers may be killed.
import type { ProcessEstate } from '../test/support/deploy/processes.ts';
import type { TestEstate } from '../test/support/world.ts';

export type Victim = 'worker' | 'api' | 'temporal' | 'postgres' | 'salt-api' | 'minion';

/** The application, and where its hosts keep it. */
export interface Application {
  estate: TestEstate;
  /** The path as a deploy names it. */
  packageSource: string;
  /** The deploy path of a host, on this machine. */
  deployPath(hostname: string): string;
}

export interface Scenario {
  site: ProcessEstate;
  victims: readonly [Victim, ...Victim[]];
  /** Kills fall within this time from the start of a run: roughly its undisturbed duration. */
  spanMs: number;
  /** Kills a server that is not Slipway's and restarts it; resolves when it works. */
  kill(victim: Victim): Promise<void>;
  /** A new application with a package of this version, not yet on any of its hosts. */
  application(version: string): Promise<Application>;
  close(): Promise<void>;
}

/** The ledger of these applications' commands, a line per effect; outside the deploy path. */
export const ledgerOf = (deployPath: string): string => `${deployPath}.ledger`;
/** The lines that they printed. */
export const saidOf = (deployPath: string): string => `${deployPath}.said`;
