// Every request takes the same steps in order: size, route, caller, permission, input, operation, response. Permission
// precedes input validation, so that validation messages reveal nothing to callers without access.
import { createHash, randomUUID } from 'node:crypto';
import { canonicalJson } from '../../db/core/canonical-json.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import type { Actor } from '../../workflows/tasks/contract.ts';
import { parseBody, readBody, type Body } from './body.ts';
import { callerOf, demandReady, refuseForeignOrigin, visitorOf } from './authentication.ts';
import type { AppDeps, Caller, Client, Ctx } from '../operations/context.ts';
import type { Endpoint } from '../operations/endpoint.ts';
import { validate } from './input.ts';
import { finish, type AnswerCheck } from '../operations/response-check.ts';
import { fillPath } from './paths.ts';
import { auditRefusal } from './refusal-audit.ts';
import type { StoredResponse } from '../operations/stored-response.ts';
import type { Routes } from './routes.ts';
import { idempotencyKeyText } from '../operations/schemas.ts';
import { nameSpan } from './tracing.ts';
import { msg, type Language } from '../../kit/messages/message.ts';

export interface Kernel {
  deps: AppDeps;
  routes: Routes;
  answerCheck: AnswerCheck;
}

/** An incoming request, and the fields that the log needs. */
export interface Incoming {
  request: Request;
  url: URL;
  client: Client;
  requestId: string;
  language: Language;
  note: { endpoint?: string; user?: string };
}

/** Handles a request; `respond` turns what it throws into a response. */
export async function handle(kernel: Kernel, incoming: Incoming): Promise<StoredResponse> {
  const { request, url, note } = incoming;
  const bytes = await readBody(request);
  const match = kernel.routes.match(request.method === 'HEAD' ? 'GET' : request.method, url.pathname);
  if (!match) throw new Problem('not_found');
  if ('allow' in match) throw new Problem('method_not_allowed', { allow: match.allow.join(', ') });
  const { endpoint } = match;
  note.endpoint = endpoint.id;
  nameSpan(endpoint);
  const ctx = await contextOf(kernel, incoming, match);
  note.user = ctx.actor.user.username;
  const body = parseBody(bytes, request.headers.get('content-type'));
  const params = match.fromBody === undefined ? match.params : takeId(match.params, match.fromBody, body);
  try {
    return await carryOut(kernel, { request, url, endpoint, ctx, params, body });
  } catch (error) {
    if (error instanceof Problem) await auditRefusal(endpoint, ctx, params, error);
    throw error;
  }
}

type Target = Pick<Routed, 'endpoint' | 'params'>;

interface Routed {
  request: Request;
  url: URL;
  endpoint: Endpoint;
  ctx: Ctx;
  params: Record<string, string>;
  body: Body;
}

async function carryOut(
  kernel: Kernel,
  { request, url, endpoint, ctx, params, body }: Routed,
): Promise<StoredResponse> {
  if (endpoint.permission !== 'public')
    ctx.allowed = await endpoint.permission.check({ ctx, params, body: 'value' in body ? body.value : undefined });
  if ('problem' in body) throw body.problem;
  const { given, ...input } = validate(endpoint, { params, query: url.searchParams, body: body.value }, ctx.language);
  ctx.address = { path: fillPath(endpoint.path, params), query: given };
  const key = idempotencyKey(endpoint, ctx, request, input.body);
  if (key) {
    ctx.repeatable = true;
    ctx.operationId = createHash('sha256')
      .update(`${key.userId}/${key.key}/${key.requestHash}`)
      .digest('hex')
      .slice(0, 32);
  }
  const done = (answer: unknown): StoredResponse => finish(endpoint, answer, kernel.answerCheck, ctx.log);
  return endpoint.run({ ctx, input, key, finish: done });
}

async function contextOf({ deps }: Kernel, incoming: Incoming, { endpoint, params }: Target): Promise<Ctx> {
  const { request, client, requestId, language } = incoming;
  const { permission } = endpoint;
  const isPublic = permission === 'public';
  if (isPublic && request.method !== 'GET') refuseForeignOrigin(request, client);
  const { actor, subject, asked } = isPublic
    ? visitorOf(request, client)
    : await callerOf(request, client, deps, permission.asked?.(params));
  demandReady(actor, endpoint);
  return {
    ...deps,
    ...client,
    allowed: undefined,
    actor,
    requestId,
    language,
    by: byOf(actor, client, requestId),
    subject,
    asked,
    log: deps.log.child({ requestId }),
    operationId: randomUUID(),
    repeatable: false,
    address: { path: endpoint.path, query: {} },
  };
}

const byOf = (actor: Caller, { remoteAddr }: Client, requestId: string): Actor => ({
  id: actor.user.id,
  username: actor.user.username,
  channel: actor.channel,
  remoteAddr,
  requestId,
  tokenId: actor.tokenId,
});

/** Moves the id from the body to the path parameters, for operations documented without one in the path. */
function takeId(params: Record<string, string>, name: string, body: Body): Record<string, string> {
  if ('problem' in body) throw body.problem;
  const { value } = body;
  const id: unknown = typeof value === 'object' && value !== null && 'id' in value ? value.id : undefined;
  if (typeof id !== 'number' && typeof id !== 'string')
    throw new Problem('invalid', {}, [{ field: 'id', message: msg('is_missing') }]);
  const rest = Object.entries(value as object).filter(([field]) => field !== 'id');
  body.value = rest.length > 0 ? Object.fromEntries(rest) : undefined;
  return { ...params, [name]: String(id) };
}

function idempotencyKey(
  endpoint: Endpoint,
  ctx: Ctx,
  request: Request,
  body: unknown,
): { userId: number; key: string; requestHash: string } | undefined {
  const key = request.headers.get('idempotency-key');
  if (key === null || !endpoint.idempotent) return undefined;
  if (!idempotencyKeyText.safeParse(key).success)
    throw new Problem('invalid', {}, [{ field: 'Idempotency-Key', message: msg('must_be_visible_characters') }]);
  const whole = canonicalJson(JSON.parse(JSON.stringify([endpoint.method, ctx.address, body ?? null])));
  return { userId: ctx.actor.user.id, key, requestHash: ctx.secrets.mac('idempotency', whole) };
}
