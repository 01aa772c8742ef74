// Deletes job folders (script, output, result) of local hosts some days after their task ended, including hosts since
// deleted. Until then any worker can find a command again, and people can inspect the host. Remote hosts: host-sweep.ts.
import type { Kysely } from 'kysely';
import type { Database } from '../../db/database.ts';
import type { AlarmLog } from '../../db/coordination/bounded-deletions.ts';
import { startLoop, type Loop } from '../../db/core/polling-loop.ts';
import { endedBefore, sweptUpTo } from '../../db/tasks/retention.ts';
import type { Config } from '../../kit/config/config.ts';
import { jobFolders, sweepFolder } from '../providers/runner/local-sweep.ts';

const everyMs = 60 * 60 * 1000;

/** Deletes the job folders of local hosts of tasks that ended before `before`. */
export async function sweepJobs(db: Kysely<Database>, dataDir: string, before: Date): Promise<void> {
  const ended = await endedBefore(db, before);
  for (const jobs of await jobFolders(dataDir)) await sweepFolder(jobs, ended);
}

/** Sweeps the local hosts of this machine every hour. */
export const startJobSweep = (
  db: Kysely<Database>,
  { dataDir, jobRetentionDays }: Pick<Config, 'dataDir' | 'jobRetentionDays'>,
  log: AlarmLog,
): Loop =>
  startLoop({
    everyMs,
    log,
    failure: 'jobs of ended tasks could not be dropped from local hosts; the next round tries again',
    round: async () => {
      const before = await sweptUpTo(db, 'local_jobs', { days: jobRetentionDays, log });
      if (before) await sweepJobs(db, dataDir, before);
      return false;
    },
  });
