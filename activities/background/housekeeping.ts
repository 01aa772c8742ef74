// Deletes expired maintenance periods that no worker ended from the monitoring system. Concurrent workers are safe.
import type { Kysely } from 'kysely';
import type { Database } from '../../db/database.ts';
import { agreedTime, deletionWindow, type AlarmLog } from '../../db/coordination/bounded-deletions.ts';
import { startLoop } from '../../db/core/polling-loop.ts';
import type { Loop } from '../../db/core/polling-loop.ts';
import type { Monitoring } from '../providers/monitoring/driver.ts';

const everyMs = 60 * 60_000;
/** A resumed task may still extend its period; after this time it creates another. */
const keptMs = 60 * 60_000;

interface HousekeepingOptions {
  db: Kysely<Database>;
  /** Null: monitoring is not configured. */
  monitoring: Monitoring | null;
  log: AlarmLog;
  now?: () => number;
}

/** Cleans up at once and every hour, until stopped. */
export function startHousekeeping({ db, monitoring, log, now = Date.now }: HousekeepingOptions): Loop {
  return startLoop({
    everyMs,
    log,
    failure: 'ended maintenance periods could not be removed from monitoring; the next round tries again',
    round: async () => {
      const time = monitoring && (await agreedTime(db, log, now));
      if (!time) return false;
      const limit = new Date(time.getTime() - keptMs);
      return (await monitoring.removeExpired(await deletionWindow(db, 'maintenance', { limit, goesOn: true }))) > 0;
    },
  });
}
