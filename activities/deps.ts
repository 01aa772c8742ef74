import type { Kysely } from 'kysely';
import type { Database } from '../db/database.ts';
import type { HostAdmission } from '../db/hosts/ways.ts';
import type { Renderer } from '../db/deploy/plan.ts';
import type { StepRow } from '../db/deploy/steps.ts';
import type { Secrets } from '../db/secrets/secrets.ts';
import type { Logger } from '../kit/log.ts';
import { runnerTable } from '../workflows/hosts/contract.ts';
import type { HostPort } from './providers/addresses.ts';
import { refused } from './providers/error.ts';
import type { Providers } from './providers/index.ts';
import type { RunnerHost } from './providers/runner/driver.ts';
import { problemText } from '../kit/messages/message.ts';

/** The dependencies of a worker's activities. */
export interface ActivityDeps extends Providers {
  db: Kysely<Database>;
  renderer: Renderer;
  secrets: Secrets;
  /** Which decisions by signal are accepted: those signed with the key, all, or none. */
  decisions: { mode: 'signed' | 'open' | 'off'; key: string | undefined };
  /** Output limit in bytes, per task and per job on its host. */
  outputLimitBytes: number;
  /** Slipway's own database and engine, which providers must not connect to. */
  ownServers: readonly HostPort[];
  /** Addresses that health checks may call; empty: all except the worker's own machine. */
  healthCheckAllow: readonly string[];
  /** How long a host may take to reach its target state. */
  hostPatienceSeconds: number;
  /** How long the installation of a package on a host may take. */
  hostInstallSeconds: number;
  /** How long a host without a provider must be unreachable before it counts as down. */
  hostSilenceSeconds: number;
  /** Whether commands run only on hosts whose address was admitted. */
  hostAdmission: HostAdmission;
  log: Logger;
}

type ReachedRow = Omit<StepRow['host'], 'id' | 'isAdmitted'>;

/** The runner's view of a host. */
export const runnerHost = ({ name, runner, minionId, ipAddress }: ReachedRow): RunnerHost => ({
  name: runnerTable[runner].reachedBy === 'minion' ? (minionId ?? name) : name,
  runner,
  address: ipAddress[0]?.address ?? null,
});

/** Same, for running commands; throws ProviderError unless the host is admitted. */
export function admittedHost(
  { hostAdmission }: Pick<ActivityDeps, 'hostAdmission'>,
  row: Omit<StepRow['host'], 'id'>,
): RunnerHost {
  if (hostAdmission === 'manage' && !row.isAdmitted) throw refused('admission', notAdmitted(row.name));
  return runnerHost(row);
}

/** Why commands are refused on a host, for a person. */
const notAdmitted = (name: string): string => problemText('host_not_admitted', { name }, 'en');
