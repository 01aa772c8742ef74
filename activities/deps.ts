import type { Kysely } from 'kysely';
import type { Database } from '../db/database.ts';
import type { HostAdmission } from '../db/hosts/ways.ts';
import type { Renderer } from '../db/deploy/plan.ts';
import type { StepRow } from '../db/deploy/steps.ts';
import type { Secrets } from '../db/secrets/secrets.ts';
import type { Logger } from '../kit/log.ts';
import { problemText } from '../workflows/problems/problem.ts';
import type { HostPort } from './providers/addresses.ts';
import { refused } from './providers/error.ts';
import type { Providers } from './providers/index.ts';
import type { RunnerHost } from './providers/runner/driver.ts';

/** What a worker gives to its activities. */
export interface ActivityDeps extends Providers {
  db: Kysely<Database>;
  renderer: Renderer;
  secrets: Secrets;
  /** Who may decide by message: who signs with the key, anybody, or nobody. */
  decisions: { mode: 'signed' | 'open' | 'off'; key: string | undefined };
  /** Bytes of output that one task may keep, and one job on its host. */
  outputLimitBytes: number;
  /** Slipway's own database and engine, which nothing else may be led to. */
  ownServers: readonly HostPort[];
  /** What health checks may call; none: all but the worker's own machine. */
  healthCheckAllow: readonly string[];
  /** How long a host may take to get where its task wants it. */
  hostPatienceSeconds: number;
  /** How long the installation of a package on a host may take. */
  hostInstallSeconds: number;
  /** How long a host without a provider is silent before it counts as down. */
  hostSilenceSeconds: number;
  /** Whether commands run only on hosts whose way somebody has admitted. */
  hostAdmission: HostAdmission;
  log: Logger;
}

type ReachedRow = Omit<StepRow['host'], 'id' | 'isAdmitted'>;

/** A host of the inventory as its runner knows it: Salt by minion id, SSH by address. */
export const runnerHost = ({ name, runner, minionId, ipAddress }: ReachedRow): RunnerHost => ({
  name: runner === 'salt' ? (minionId ?? name) : name,
  runner,
  address: ipAddress[0]?.address ?? null,
});

/** The same for one that commands are to run on; throws ProviderError while nobody has admitted the way to it. */
export function admittedHost(
  { hostAdmission }: Pick<ActivityDeps, 'hostAdmission'>,
  row: Omit<StepRow['host'], 'id'>,
): RunnerHost {
  if (hostAdmission === 'manage' && !row.isAdmitted) throw refused('admission', notAdmitted(row.name));
  return runnerHost(row);
}

/** Why no command runs on a host, for a person. */
export const notAdmitted = (name: string): string => problemText('host_not_admitted', { name }, 'en');
