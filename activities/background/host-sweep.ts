// Deletes job folders of ended tasks from hosts reached by SSH or Salt: they fill disks and scripts may hold secrets.
// Folders of running tasks stay, because a start whose folder is gone would run again. Workers share the hosts through
// leases (db/hosts/sweeps.ts); an unreachable host blocks only its lane, and is retried after a day.
import type { Kysely } from 'kysely';
import type { WarningLog } from '../../db/core/connect.ts';
import type { Database } from '../../db/database.ts';
import { claimSweep, hostsToSweep, recordSweep } from '../../db/hosts/sweeps.ts';
import { startLoop, type Loop } from '../../db/core/polling-loop.ts';
import type { AlarmLog } from '../../db/coordination/bounded-deletions.ts';
import type { HostAdmission } from '../../db/hosts/ways.ts';
import { endedBefore, sweptUpTo } from '../../db/tasks/retention.ts';
import type { EndedBefore } from '../../db/tasks/retention.ts';
import { raceAbort } from '../../kit/abort.ts';
import { isFolder, runnerNames } from '../../workflows/hosts/contract.ts';
import { runnerHost } from '../deps.ts';
import { ProviderError } from '../providers/error.ts';
import type { RunnerHost } from '../providers/runner/driver.ts';
import { runnerOf } from '../providers/runner/registry.ts';
import type { Runners } from '../providers/runner/registry.ts';

const everyMs = 60 * 60_000;
const atOnce = 4;
const hostsARound = 200;
/** Calls per host and sweep; a host with more to delete continues after a day. */
const callsAHost = 50;

interface HostSweepOptions {
  db: Kysely<Database>;
  runners: Runners;
  jobRetentionDays: number;
  hostAdmission: HostAdmission;
  log: AlarmLog;
  now?: () => number;
}

/** Sweeps at once and every hour; `stop` does not wait for responses of hosts. */
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

/** Sweeps hosts that have something to delete; returns whether there may be more. */
export async function sweepHosts(
  { db, runners, jobRetentionDays, hostAdmission, log, now }: HostSweepOptions,
  stopped: AbortSignal,
): Promise<boolean> {
  const reached = runnerNames.filter((name) => runners[name] && !isFolder(name));
  if (reached.length === 0) return false;
  const before = await sweptUpTo(db, 'host_jobs', { days: jobRetentionDays, log, now });
  if (!before) return false;
  const hosts = await hostsToSweep(db, reached, before, hostsARound, hostAdmission);
  const ended = await endedBefore(db, before);
  const waiting = hosts.values();
  const lane = async (): Promise<void> => {
    // The lanes share one iterator: each takes the next host.
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

/** Returns whether the host has deleted all jobs of those tasks. */
async function sweepHost(
  runners: Runners,
  host: RunnerHost,
  ended: EndedBefore,
  stopped: AbortSignal,
  log: WarningLog,
): Promise<boolean> {
  try {
    for (let calls = 0; calls < callsAHost; calls += 1) {
      const swept = await raceAbort(runnerOf(runners, host).sweep(host, ended), stopped, () => undefined);
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
