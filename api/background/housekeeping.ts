import type { Kysely } from 'kysely';
import type { Database } from '../../db/database.ts';
import { agreedTime, removeEnded, type AlarmLog } from '../../db/coordination/bounded-deletions.ts';
import { startLoop } from '../../db/core/polling-loop.ts';
import type { Loop } from '../../db/core/polling-loop.ts';
import { forgetOutput } from '../../db/tasks/retention.ts';
import type { Config } from '../../kit/config/config.ts';

const everyMs = 60 * 60 * 1000;
const dayMs = 24 * everyMs;

/** Deletes expired data: output, sessions, idempotency keys, rate-limit counts; see db/coordination/bounded-deletions.ts. */
export function startHousekeeping(
  db: Kysely<Database>,
  { outputRetentionDays }: Pick<Config, 'outputRetentionDays'>,
  log: AlarmLog,
  now = Date.now,
): Loop {
  return startLoop({
    everyMs,
    log,
    failure: 'what is kept for a time only could not be removed; the next round tries again',
    round: async () => {
      const time = await agreedTime(db, log, now);
      if (time === undefined) return false;
      await removeEnded(db, time);
      return forgetOutput(db, new Date(time.getTime() - outputRetentionDays * dayMs));
    },
  });
}
