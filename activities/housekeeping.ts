// What workers clear away at third parties: maintenance periods in monitoring that ended by themselves since nobody was
// there to end them. Workers of the same deployment may do so at the same time.
import type { WarningLog } from '../db/connect.ts';
import { startLoop } from '../db/loop.ts';
import type { Loop } from '../db/loop.ts';
import type { Monitoring } from './providers/monitoring/driver.ts';

const everyMs = 60 * 60_000;
/** A task that was away may still extend its period; one this old it begins anew. */
const keptMs = 60 * 60_000;

export interface HousekeepingOptions {
  /** Null: nothing is monitored. */
  monitoring: Monitoring | null;
  log: WarningLog;
}

/** Clears away at once and every hour, until stopped. */
export function startHousekeeping({ monitoring, log }: HousekeepingOptions): Loop {
  return startLoop({
    everyMs,
    log,
    failure: 'ended maintenance periods could not be removed from monitoring; the next round tries again',
    round: async () => ((await monitoring?.removeExpired(new Date(Date.now() - keptMs))) ?? 0) > 0,
  });
}
