import type { Kysely } from 'kysely';
import type { Database } from '../db/database.ts';
import type { Renderer } from '../db/deploy/plan.ts';
import type { StepRow } from '../db/deploy/steps.ts';
import type { Secrets } from '../db/secrets.ts';
import type { Logger } from '../kit/log.ts';
import type { HostPort } from './providers/addresses.ts';
import type { Providers } from './providers/index.ts';
import type { RunnerHost } from './providers/runner/driver.ts';

/** What a worker gives to its activities. */
export interface ActivityDeps extends Providers {
  db: Kysely<Database>;
  renderer: Renderer;
  secrets: Secrets;
  /** Who may decide by message: who signs with the key, anybody, or nobody. */
  decisions: { mode: 'signed' | 'open' | 'off'; key: string | undefined };
  /** Bytes of output that one task may keep. */
  outputLimitBytes: number;
  /** Slipway's own database and engine, which nothing else may be led to. */
  ownServers: readonly HostPort[];
  /** How long a host may take to get where its task wants it. */
  hostPatienceSeconds: number;
  /** How long the installation of a package on a host may take. */
  hostInstallSeconds: number;
  /** How long a host without a provider is silent before it counts as down. */
  hostSilenceSeconds: number;
  log: Logger;
}

/** A host of the inventory as its runner knows it: Salt by minion id, SSH by address. */
export const runnerHost = ({ name, runner, minionId, ipAddress }: StepRow['host']): RunnerHost => ({
  name: runner === 'salt' ? (minionId ?? name) : name,
  runner,
  address: ipAddress[0]?.address ?? null,
});
