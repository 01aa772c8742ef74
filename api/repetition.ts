import type { Kysely } from 'kysely';
import { storeAnswer, type KeyedRequest, type StoredAnswer } from '../db/idempotency.ts';
import type { Database } from '../db/database.ts';
import type { Ctx } from './context.ts';
import type { Outcome } from './reply.ts';

interface Kept {
  body?: unknown;
  /** In place of `body` when that shows a secret. */
  sealed?: unknown;
  headers: Record<string, string>;
}

const purpose = ({ userId, key }: KeyedRequest): string => `idempotency_keys/response/${userId}/${key}`;

/** The first answer of a request that is repeated. */
export function repeated({ secrets }: Ctx, key: KeyedRequest, { status, response }: StoredAnswer): Outcome {
  const { body, sealed, headers } = response as Kept;
  const whole: unknown = sealed === undefined ? body : JSON.parse(secrets.open(purpose(key), sealed));
  return { status, body: whole, headers };
}

/** Keeps an answer for repetitions; sealed when it shows a secret. */
export function keep(
  db: Kysely<Database>,
  { secrets }: Ctx,
  key: KeyedRequest,
  { status, body, headers }: Outcome,
  secret: boolean,
): Promise<void> {
  const kept: Kept = secret ? { sealed: secrets.seal(purpose(key), JSON.stringify(body)), headers } : { body, headers };
  return storeAnswer(db, key, { status, response: kept });
}
