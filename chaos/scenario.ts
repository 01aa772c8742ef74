// Where deploys are killed: an application on hosts, the whole of Slipway, and which of all its servers are victims.
import type { Estate } from '../test/support/deploy/processes.ts';
import type { TestEstate } from '../test/support/world.ts';

export type Victim = 'worker' | 'api' | 'temporal' | 'postgres' | 'salt-api' | 'minion';

/** What is deployed, and where its hosts keep it. */
export interface Application {
  estate: TestEstate;
  /** As a deploy names it. */
  packageSource: string;
  /** The deploy path of a host, on this machine. */
  deployPath(hostname: string): string;
}

export interface Scenario {
  site: Estate;
  victims: readonly [Victim, ...Victim[]];
  /** Within this time of its beginning a run is killed at: about what it takes undisturbed. */
  spanMs: number;
  /** Kills a server that is not Slipway's and starts it again; resolves when it works. */
  kill(victim: Victim): Promise<void>;
  /** A new application that has a package of this version; none of its hosts has it yet. */
  application(version: string): Promise<Application>;
  close(): Promise<void>;
}

/** What the commands of these applications have done, a line for each effect; beside the deploy path. */
export const ledgerOf = (deployPath: string): string => `${deployPath}.ledger`;
/** What they have said. */
export const saidOf = (deployPath: string): string => `${deployPath}.said`;
