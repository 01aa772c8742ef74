import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import type { Listener } from '../coordination/listen.ts';
import { startLoop } from '../core/polling-loop.ts';
import { anchor } from './anchor.ts';
import type { AnchorLog } from './anchor.ts';
import { tellRefusalCounts } from './refusals.ts';
import { createSealer } from './seal.ts';

interface SealingOptions {
  db: Kysely<Database>;
  listen: Listener;
  log: AnchorLog;
  /** Where anchors are posted. */
  anchorUrl?: string | undefined;
  /** Default 1 s. */
  everyMs?: number;
}

const channel = 'audit';
const countsEveryMs = 60_000;

/** Seals and anchors every second, and at once on NOTIFY, until `stop`; any number of processes may do so. */
export function startSealing({ db, listen, log, anchorUrl, everyMs = 1_000 }: SealingOptions): {
  stop(): Promise<void>;
} {
  const sealer = createSealer(db);
  let countsDue = 0;
  const loop = startLoop({
    everyMs,
    log,
    failure: 'audit records could not be sealed; the next round tries again',
    round: async () => {
      const sealed = await sealer.seal();
      const minuteIsOver = Date.now() >= countsDue;
      if (sealed > 0 || minuteIsOver) await anchor(db, { log, url: anchorUrl });
      if (minuteIsOver) {
        countsDue = Date.now() + countsEveryMs;
        await tellRefusalCounts(db);
      }
      return false;
    },
  });
  const off = listen.on(channel, loop.wake);
  return {
    stop: () => {
      off();
      return loop.stop();
    },
  };
}

/** Asks for sealing at once, for what is committed by now. */
export async function askForSealing(db: Kysely<Database>): Promise<void> {
  await sql`select pg_notify(${channel}, '')`.execute(db);
}
