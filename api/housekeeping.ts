import type { Kysely } from 'kysely';
import { removeExpiredLinks } from '../db/access/password-links.ts';
import { removeEndedLogins } from '../db/access/second-factors.ts';
import { removeEndedSessions } from '../db/access/sessions.ts';
import type { WarningLog } from '../db/connect.ts';
import type { Database } from '../db/database.ts';
import { forgetKeys } from '../db/idempotency.ts';
import { startLoop } from '../db/loop.ts';
import type { Loop } from '../db/loop.ts';
import { forgetRates } from '../db/rates.ts';
import { forgetOutput } from '../db/tasks/retention.ts';
import type { Config } from '../kit/config.ts';

const everyMs = 60 * 60 * 1000;
const dayMs = 24 * everyMs;

/** Removes what is kept for a time only: output, sessions, idempotency keys, counts of rate limits. */
export function startHousekeeping(
  db: Kysely<Database>,
  { outputRetentionDays }: Pick<Config, 'outputRetentionDays'>,
  log: WarningLog,
): Loop {
  return startLoop({
    everyMs,
    log,
    failure: 'what is kept for a time only could not be removed; the next round tries again',
    round: async () => {
      const now = new Date();
      await removeEndedSessions(db, now);
      await removeEndedLogins(db, now);
      await removeExpiredLinks(db, now);
      await forgetKeys(db);
      await forgetRates(db);
      return forgetOutput(db, new Date(now.getTime() - outputRetentionDays * dayMs));
    },
  });
}
