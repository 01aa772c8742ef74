// What local hosts keep of jobs (script, output, result) is there so that any worker can find a command again. Once its
// task has ended nothing asks for it any more; it stays some days for who looks at the host, and is then dropped here.
import type { Kysely } from 'kysely';
import type { WarningLog } from '../db/connect.ts';
import type { Database } from '../db/database.ts';
import { startLoop, type Loop } from '../db/loop.ts';
import { endedBefore } from '../db/tasks/retention.ts';
import type { Config } from '../kit/config.ts';
import { dropJob, dropRemains, keptJobs } from './providers/runner/local-sweep.ts';

const everyMs = 60 * 60 * 1000;
const dayMs = 24 * everyMs;
const atOnce = 1_000;

/** `t42-p0-start-0`: the jobs of a task begin with its id. */
const taskOf = (jobId: string): number => Number(/^t([1-9]\d{0,14})-/.exec(jobId)?.[1] ?? 0);

/** Drops what local hosts of this machine keep of tasks that ended before `before`. */
export async function sweepJobs(db: Kysely<Database>, dataDir: string, before: Date): Promise<void> {
  const byTask = Map.groupBy(await keptJobs(dataDir), ({ id }) => taskOf(id));
  const ids = [...byTask.keys()];
  for (let start = 0; start < ids.length; start += atOnce)
    for (const ended of await endedBefore(db, ids.slice(start, start + atOnce), before))
      for (const job of byTask.get(ended) ?? []) await dropJob(job);
  await dropRemains(dataDir, before);
}

/** Sweeps the local hosts of this machine every hour. */
export const startJobSweep = (
  db: Kysely<Database>,
  { dataDir, jobRetentionDays }: Pick<Config, 'dataDir' | 'jobRetentionDays'>,
  log: WarningLog,
): Loop =>
  startLoop({
    everyMs,
    log,
    failure: 'jobs of ended tasks could not be dropped from local hosts; the next round tries again',
    round: async () => {
      await sweepJobs(db, dataDir, new Date(Date.now() - jobRetentionDays * dayMs));
      return false;
    },
  });
