// Runs unacknowledged outbox work. A row is leased by moving its next attempt (SKIP LOCKED, so many relays share the work)
// and its handler runs outside any transaction; rows of a crashed relay become due again.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { raceAbort } from '../../kit/abort.ts';
import { withoutCredentials } from '../../kit/redact.ts';
import type { WarningLog } from '../core/connect.ts';
import type { Database } from '../database.ts';
import type { Listener } from './listen.ts';
import { startLoop } from '../core/polling-loop.ts';
import { acknowledge, outboxChannel } from './outbox.ts';
import { isRefusedForGood } from '../core/sql-state.ts';

/** Processes one row, possibly more than once. `signal` aborts after its time limit (30 s). */
export type OutboxHandler = (payload: Record<string, unknown>, signal: AbortSignal) => Promise<void>;

interface RelayOptions {
  db: Kysely<Database>;
  /** By topic; rows of other topics are left to other processes. */
  handlers: Readonly<Record<string, OutboxHandler>>;
  listen: Listener;
  log: WarningLog;
  /** Default 1 s. */
  pollMs?: number;
}

interface Leased {
  id: number;
  topic: string;
  payload: Record<string, unknown>;
  attempts: number;
}

const handlerTimeoutMs = 30_000;
const leaseSeconds = 60;
const rowsAtOnce = 20;
const longestBackoffSeconds = 300;

/** Starts a relay; `stop` waits for running handlers. */
export function relay({ db, handlers, listen, log, pollMs = 1_000 }: RelayOptions): { stop(): Promise<void> } {
  const topics = Object.keys(handlers);
  const loop = startLoop({
    everyMs: pollMs,
    log,
    failure: 'the outbox could not be read',
    round: async () => {
      const rows = await lease(db, topics);
      const done = await Promise.all(rows.map((row) => attempt(db, row, handlers[row.topic], log)));
      await acknowledge(
        db,
        done.filter((id) => id !== undefined),
      );
      return rows.length === rowsAtOnce;
    },
  });
  const off = listen.on(outboxChannel, loop.wake);
  return {
    stop: () => {
      off();
      return loop.stop();
    },
  };
}

async function lease(db: Kysely<Database>, topics: readonly string[]): Promise<Leased[]> {
  if (topics.length === 0) return [];
  return await db
    .with('due', (cte) =>
      cte
        .selectFrom('outbox')
        .select('id')
        .where('nextAttemptTime', '<=', sql<Date>`clock_timestamp()`)
        .where('topic', 'in', topics)
        .orderBy('nextAttemptTime')
        .limit(rowsAtOnce)
        .forUpdate()
        .skipLocked(),
    )
    .updateTable('outbox')
    .set({
      attempts: sql<number>`attempts + 1`,
      nextAttemptTime: sql<Date>`clock_timestamp() + ${`${leaseSeconds} seconds`}::interval`,
    })
    .where('id', 'in', ({ selectFrom }) => selectFrom('due').select('due.id'))
    .returning(['id', 'topic', 'payload', 'attempts'])
    .execute();
}

// Returns the row's id once its work is done.
async function attempt(
  db: Kysely<Database>,
  row: Leased,
  handler: OutboxHandler | undefined,
  log: WarningLog,
): Promise<number | undefined> {
  try {
    await withinTime((signal) => handler?.(row.payload, signal));
    return row.id;
  } catch (error) {
    const lastError = describe(error);
    // Rows that the database rejects for good are kept for an operator to repair, and retried at the longest interval.
    const seconds = isRefusedForGood(error)
      ? longestBackoffSeconds
      : Math.min(2 ** (row.attempts - 1), longestBackoffSeconds);
    log.warn({ outboxId: row.id, topic: row.topic, attempts: row.attempts, reason: lastError }, 'outbox work failed');
    await db
      .updateTable('outbox')
      .set({ lastError, nextAttemptTime: sql`clock_timestamp() + ${`${seconds} seconds`}::interval` })
      .where('id', '=', row.id)
      .execute()
      .catch((failure: unknown) => {
        log.warn({ err: failure, outboxId: row.id }, 'the failure could not be written; the lease will run out');
      });
    return undefined;
  }
}

async function withinTime(work: (signal: AbortSignal) => Promise<void> | undefined): Promise<void> {
  const signal = AbortSignal.timeout(handlerTimeoutMs);
  await raceAbort(Promise.resolve(work(signal)), signal, () => {
    throw new Error('it took longer than 30 seconds');
  });
}

const describe = (error: unknown): string =>
  withoutCredentials(error instanceof Error ? `${error.name}: ${error.message}` : 'failed').slice(0, 500);
