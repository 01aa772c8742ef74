// Drops from hosts that are reached by SSH or Salt what they keep of jobs whose task ended long ago: disks would fill, and a
// script may hold secrets. Only ended tasks go, as a start whose folder is gone would run a second time. Any number of workers
// share the hosts (db/hosts/sweeps.ts); one that is silent holds its lane only, and is asked again in a day.
import type { Kysely } from 'kysely';
import type { WarningLog } from '../../db/core/connect.ts';
import type { Database } from '../../db/database.ts';
import { claimSweep, hostsToSweep, recordSweep } from '../../db/hosts/sweeps.ts';
import { startLoop, type Loop } from '../../db/core/polling-loop.ts';
import type { AlarmLog } from '../../db/coordination/bounded-deletions.ts';
import type { HostAdmission } from '../../db/hosts/ways.ts';
import { endedBefore, sweptUpTo } from '../../db/tasks/retention.ts';
import type { EndedBefore } from '../../db/tasks/retention.ts';
import { runnerHost } from '../deps.ts';
import { ProviderError } from '../providers/error.ts';
import type { RunnerHost } from '../providers/runner/driver.ts';
import { runnerOf } from '../providers/runner/registry.ts';
import type { Runners } from '../providers/runner/registry.ts';

const everyMs = 60 * 60_000;
const atOnce = 4;
const hostsARound = 200;
/** A host with more than so many calls can drop goes on in a day. */
const callsAHost = 50;

export interface HostSweepOptions {
  db: Kysely<Database>;
  runners: Runners;
  jobRetentionDays: number;
  hostAdmission: HostAdmission;
  log: AlarmLog;
  now?: () => number;
}

/** Sweeps at once and every hour; `stop` does not wait for what hosts answer. */
export function startHostSweep(options: HostSweepOptions): Loop {
  const stopped = new AbortController();
  const loop = startLoop({
    everyMs,
    log: options.log,
    failure: 'jobs of ended tasks could not be dropped from hosts; the next round tries again',
    round: () => sweepHosts(options, stopped.signal),
  });
  return {
    wake: loop.wake,
    stop: () => {
      stopped.abort();
      return loop.stop();
    },
  };
}

/** Asks hosts that have something to drop; answers whether there may be more of them. */
export async function sweepHosts(
  { db, runners, jobRetentionDays, hostAdmission, log, now }: HostSweepOptions,
  stopped: AbortSignal,
): Promise<boolean> {
  const reached = (['ssh', 'salt'] as const).filter((kind) => runners[kind]);
  if (reached.length === 0) return false;
  const before = await sweptUpTo(db, 'host_jobs', { days: jobRetentionDays, log, now });
  if (!before) return false;
  const hosts = await hostsToSweep(db, reached, before, hostsARound, hostAdmission);
  const ended = await endedBefore(db, before);
  const waiting = hosts.values();
  const lane = async (): Promise<void> => {
    // The lanes share what is left: each takes the next one.
    for (const row of waiting) {
      if (stopped.aborted) return;
      if (!(await claimSweep(db, row.id))) continue;
      const isDone = await sweepHost(runners, runnerHost(row), ended, stopped, log);
      if (isDone && ended.isAll) await recordSweep(db, row.id, before);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return hosts.length === hostsARound && !stopped.aborted;
}

/** Answers whether the host is rid of all jobs of those tasks. */
async function sweepHost(
  runners: Runners,
  host: RunnerHost,
  ended: EndedBefore,
  stopped: AbortSignal,
  log: WarningLog,
): Promise<boolean> {
  try {
    for (let calls = 0; calls < callsAHost; calls += 1) {
      const swept = await unlessStopped(runnerOf(runners, host).sweep(host, ended), stopped);
      if (!swept?.more) return swept !== undefined;
    }
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    log.warn(
      { host: host.name, reason: error.message },
      'jobs of ended tasks stay on a host, which is asked again in a day',
    );
  }
  return false;
}

async function unlessStopped<T>(work: Promise<T>, stopped: AbortSignal): Promise<T | undefined> {
  const over = Promise.withResolvers<undefined>();
  const give = (): void => over.resolve(undefined);
  stopped.addEventListener('abort', give, { once: true });
  if (stopped.aborted) give();
  return Promise.race([work, over.promise]).finally(() => stopped.removeEventListener('abort', give));
}
