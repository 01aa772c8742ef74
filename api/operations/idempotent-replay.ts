import type { Kysely } from 'kysely';
import { storeAnswer, type KeyedRequest, type StoredAnswer } from '../../db/coordination/idempotency.ts';
import type { Database } from '../../db/database.ts';
import type { Ctx } from './context.ts';
import type { StoredResponse } from './stored-response.ts';

/** The body is stored as text, since jsonb would reorder it; sealed if it contains a secret. */
interface Kept {
  body: { text: string } | { sealed: unknown };
  headers: Record<string, string>;
}

const purpose = ({ userId, key }: KeyedRequest): string => `idempotency_keys/response/${userId}/${key}`;

/** The stored response of a repeated request. */
export function repeated({ secrets }: Ctx, key: KeyedRequest, { status, response }: StoredAnswer): StoredResponse {
  const { body, headers } = response as Kept;
  const text = 'text' in body ? body.text : secrets.open(purpose(key), body.sealed);
  return { status, body: JSON.parse(text), headers };
}

/** Stores a response for repeated requests. */
export function keep(
  db: Kysely<Database>,
  { secrets }: Ctx,
  key: KeyedRequest,
  { status, body, headers }: StoredResponse,
  secret: boolean,
): Promise<void> {
  const text = JSON.stringify(body);
  const kept: Kept = { body: secret ? { sealed: secrets.seal(purpose(key), text) } : { text }, headers };
  return storeAnswer(db, key, { status, response: kept });
}
