// A key's row is claimed before the work and stores the response after it. A change claims it in its own transaction, so a
// repetition blocks on the unique index until the first one ends. A command's claim is a lease that commits immediately and
// is renewed while it runs; repetitions poll, and an expired lease (crashed process) is taken over.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { Problem } from '../../workflows/problems/problem.ts';
import type { Database } from '../database.ts';
import { json } from '../core/jsonb.ts';
import { isLockTimeout } from '../core/sql-state.ts';

/** One request under an Idempotency-Key; `requestHash` covers method, path and body. */
export interface KeyedRequest {
  userId: number;
  key: string;
  requestHash: string;
}

export interface StoredAnswer {
  status: number;
  response: object | null;
}

const keptFor = sql<Date>`now() - interval '24 hours'`;
const waitMs = 10_000;
const pollMs = 100;
const renewMs = 2_000;
const takeOverAfter = sql<Date>`now() - interval '8 seconds'`;

/**
 * Claims the key within the transaction of a change; returns the stored response if the work was done before. Throws
 * idempotency_mismatch, and idempotency_pending after 10 s (the pool's lock timeout): the transaction must then end.
 */
export async function claimInChange(tx: Kysely<Database>, request: KeyedRequest): Promise<StoredAnswer | undefined> {
  try {
    if (await claim(tx, request)) return undefined;
  } catch (error) {
    if (isLockTimeout(error)) throw new Problem('idempotency_pending');
    throw error;
  }
  const found = await look(tx, request);
  if (found === undefined) throw new Problem('idempotency_pending');
  return found;
}

/** Claims the key of a command; like `claimInChange`, but waits at most `wait` ms for a running one. */
export async function claimCommand(
  db: Kysely<Database>,
  request: KeyedRequest,
  wait = waitMs,
): Promise<StoredAnswer | undefined> {
  const end = Date.now() + wait;
  for (;;) {
    if (await claim(db, request)) return undefined;
    const found = await look(db, request);
    if (found !== undefined) return found;
    if (Date.now() >= end) throw new Problem('idempotency_pending');
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** Renews a command's lease while its work runs, so that it is not taken over. */
export async function holdingCommand<T>(
  db: Kysely<Database>,
  { userId, key, requestHash }: KeyedRequest,
  work: () => Promise<T>,
): Promise<T> {
  const renewed = db
    .updateTable('idempotencyKeys')
    .set({ createdTime: sql`now()` })
    .where('userId', '=', userId)
    .where('key', '=', key)
    .where('requestHash', '=', requestHash)
    .where('status', 'is', null);
  // The next renewal makes up for a failed one.
  const timer = setInterval(() => void renewed.execute().catch(() => undefined), renewMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** Stores the response for repetitions; in a change with its `tx`. Seal a response that contains a secret. */
export async function storeAnswer(db: Kysely<Database>, request: KeyedRequest, answer: StoredAnswer): Promise<void> {
  await db
    .updateTable('idempotencyKeys')
    .set({ status: answer.status, response: answer.response === null ? null : json(answer.response) })
    .where('userId', '=', request.userId)
    .where('key', '=', request.key)
    .where('requestHash', '=', request.requestHash)
    .where('status', 'is', null)
    .execute();
}

/** Releases the key after a failed command, so that it can be retried. */
export async function releaseCommand(db: Kysely<Database>, request: KeyedRequest): Promise<void> {
  await db
    .deleteFrom('idempotencyKeys')
    .where('userId', '=', request.userId)
    .where('key', '=', request.key)
    .where('requestHash', '=', request.requestHash)
    .where('status', 'is', null)
    .execute();
}

// True if the key is now ours: new, older than a day, or abandoned by a crashed process.
async function claim(db: Kysely<Database>, { userId, key, requestHash }: KeyedRequest): Promise<boolean> {
  const claimed = await db
    .insertInto('idempotencyKeys')
    .values({ userId, key, requestHash, status: null, response: null })
    .onConflict((on) =>
      on
        .columns(['userId', 'key'])
        .doUpdateSet({ requestHash, status: null, response: null, createdTime: sql`now()` })
        .where(({ or, and, eb }) =>
          or([
            eb('idempotencyKeys.createdTime', '<', keptFor),
            and([
              eb('idempotencyKeys.status', 'is', null),
              eb('idempotencyKeys.requestHash', '=', requestHash),
              eb('idempotencyKeys.createdTime', '<', takeOverAfter),
            ]),
          ]),
        ),
    )
    .returning('key')
    .executeTakeFirst();
  return claimed !== undefined;
}

async function look(db: Kysely<Database>, request: KeyedRequest): Promise<StoredAnswer | undefined> {
  const row = await db
    .selectFrom('idempotencyKeys')
    .select(['requestHash', 'status', 'response'])
    .where('userId', '=', request.userId)
    .where('key', '=', request.key)
    .executeTakeFirst();
  if (row === undefined || (row.status === null && row.requestHash === request.requestHash)) return undefined;
  if (row.requestHash !== request.requestHash || row.status === null) throw new Problem('idempotency_mismatch');
  return { status: row.status, response: row.response };
}
