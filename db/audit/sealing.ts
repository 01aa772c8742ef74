import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import type { Listener } from '../listen.ts';
import { anchor } from './anchor.ts';
import type { AnchorLog } from './anchor.ts';
import { tellRefusalCounts } from './refusals.ts';
import { createSealer } from './seal.ts';

export interface SealingOptions {
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
  let stopped = false;
  let wake = Promise.withResolvers<void>();
  let countsDue = 0;
  const off = listen.on(channel, () => {
    wake.resolve();
  });
  const round = async (): Promise<void> => {
    if ((await sealer.seal()) > 0) await anchor(db, { log, url: anchorUrl });
    if (Date.now() < countsDue) return;
    countsDue = Date.now() + countsEveryMs;
    await tellRefusalCounts(db);
    await anchor(db, { log, url: anchorUrl });
  };
  const loop = async (): Promise<void> => {
    while (!stopped) {
      await round().catch((error: unknown) => {
        log.warn({ err: error }, 'audit records could not be sealed; the next round tries again');
      });
      const timer = setTimeout(wake.resolve, everyMs);
      await wake.promise;
      clearTimeout(timer);
      wake = Promise.withResolvers();
    }
  };
  const running = loop();
  return {
    stop: async () => {
      stopped = true;
      off();
      wake.resolve();
      await running;
    },
  };
}

/** Asks for sealing at once, for what is committed by now. */
export async function askForSealing(db: Kysely<Database>): Promise<void> {
  await sql`select pg_notify(${channel}, '')`.execute(db);
}
