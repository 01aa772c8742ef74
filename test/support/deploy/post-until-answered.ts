// Retries like a careful client: with the same Idempotency-Key until there is a response.
import { randomUUID } from 'node:crypto';
import type { ApiResponse, TestUser } from '../api/app.ts';
import { eventually } from '../harness.ts';

/** The answer to a key whose first request has none yet. */
const pending = /first request/;
/** Refusals that pass by themselves. */
const passing = /plan is still|not approved yet|package cannot be read/;

interface Insistence {
  /** The status of the answer that is hoped for; another one is thrown. */
  good: number;
  /** Milliseconds. */
  patience: number;
}

/** Asks until there is an answer that is one; the key makes all attempts one request. */
export async function postUntilAnswered(
  user: TestUser,
  path: string,
  body: unknown,
  { good, patience }: Insistence,
): Promise<Record<string, unknown>> {
  let key = randomUUID();
  const answer = await eventually(
    async () => {
      const found: ApiResponse = await user.post(path, body, { 'idempotency-key': key });
      const said = JSON.stringify(found.body);
      // Unavailable, or the first request still pending: retries with the same key; after a refusal, with another.
      if (found.status >= 500 || pending.test(said)) return false;
      if (!passing.test(said)) return found;
      key = randomUUID();
      return false;
    },
    { timeout: patience, interval: 100 },
  );
  if (answer.status !== good) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}
