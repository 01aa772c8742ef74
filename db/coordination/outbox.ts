// Transactional outbox: effects of a commit (a workflow start, a mail) are rows of the same transaction. The enqueuing
// process may run them right after the commit and acknowledge; the relay (outbox-relay.ts) runs the rest, so every handler
// must be idempotent.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { WarningLog } from '../core/connect.ts';
import type { Database } from '../database.ts';
import { json } from '../core/jsonb.ts';

/** The channel that a relay listens to. */
export const outboxChannel = 'outbox';

/** How long the relay leaves a row to the process that enqueued it. */
export const callerGraceMs = 2_000;

interface EnqueueOptions {
  /** The caller does the work after the commit and acknowledges it; the relay takes over after `callerGraceMs`. */
  byCaller?: boolean;
}

/** Adds work to the caller's transaction and returns its id, for `acknowledge`. */
export async function enqueue(
  tx: Kysely<Database>,
  topic: string,
  payload: Record<string, unknown>,
  { byCaller = false }: EnqueueOptions = {},
): Promise<number> {
  const grace = byCaller ? callerGraceMs : 0;
  const { id } = await tx
    .insertInto('outbox')
    .values({
      topic,
      payload: json(payload),
      nextAttemptTime: sql`clock_timestamp() + ${`${grace} milliseconds`}::interval`,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  // NOTIFY serialises commits, so it is sent only if the relay is needed immediately.
  if (!byCaller) await sql`select pg_notify(${outboxChannel}, '')`.execute(tx);
  return id;
}

/** Marks the work of these rows as done. */
export async function acknowledge(db: Kysely<Database>, ids: readonly number[]): Promise<void> {
  if (ids.length > 0) await db.deleteFrom('outbox').where('id', 'in', ids).execute();
}

/** Batches acknowledgements, so that a creation costs one commit instead of two. */
export interface Acknowledger {
  add(id: number): void;
  /** Flushes the batch; call it before the pool closes. */
  stop(): Promise<void>;
}

const flushEveryMs = 200;

/** An acknowledger that flushes every 200 ms. A failed batch is kept; lost ones only cost a repeated call. */
export function createAcknowledger(db: Kysely<Database>, log: WarningLog): Acknowledger {
  let ids: number[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing = Promise.resolve();
  const flush = async (): Promise<void> => {
    const batch = ids;
    ids = [];
    try {
      await acknowledge(db, batch);
    } catch (error) {
      ids.push(...batch);
      log.warn({ err: error, rows: batch.length }, 'outbox rows could not be acknowledged');
    }
  };
  return {
    add: (id) => {
      ids.push(id);
      timer ??= setTimeout(() => {
        timer = undefined;
        writing = writing.then(flush);
      }, flushEveryMs);
    },
    stop: async () => {
      clearTimeout(timer);
      await writing;
      await flush();
    },
  };
}
