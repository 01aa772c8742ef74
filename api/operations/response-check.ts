import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '../../kit/log.ts';
import type { Endpoint } from './endpoint.ts';
import { Reply, type StoredResponse } from './stored-response.ts';

/** The handling of a response that does not match its endpoint's declaration. */
export type AnswerCheck = 'refuse' | 'log';

/**
 * Prepares a response for sending. Only declared fields are kept; a mismatch with the declaration is an internal error
 * with `refuse` (tests), and is logged otherwise.
 */
export function finish(endpoint: Endpoint, answer: unknown, check: AnswerCheck, log: Logger): StoredResponse {
  const reply = answer instanceof Reply ? answer : Reply.json(answer);
  const status = reply.status ?? endpoint.status;
  const { headers, cookies } = reply;
  if (reply.contentType !== undefined)
    return { status, body: reply.body, headers, cookies, contentType: reply.contentType };
  const plain: unknown = reply.body === undefined ? undefined : JSON.parse(JSON.stringify(reply.body));
  const result = endpoint.returns.safeParse(plain);
  if (result.success && isDeepStrictEqual(result.data, plain)) return { status, body: plain, headers, cookies };
  const reason = result.success ? 'fields that are not declared' : result.error.message;
  if (check === 'refuse') throw new Error(`${endpoint.id} answers what it does not declare: ${reason}`);
  log.error({ endpoint: endpoint.id, reason }, 'an answer differs from its declaration');
  if (!result.success) throw new Error(`${endpoint.id} answers what it does not declare`);
  return { status, body: result.data, headers, cookies };
}
