import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import type { Context } from 'hono';
import { endpoints as allEndpoints } from './areas.ts';
import { clientOf } from './kernel/client-address.ts';
import type { AppDeps } from './operations/context.ts';
import { mountDocs } from './system/docs.ts';
import type { Endpoint } from './operations/endpoint.ts';
import { handle, type Incoming, type Kernel } from './kernel/kernel.ts';
import type { AnswerCheck } from './operations/response-check.ts';
import type { StoredResponse } from './operations/stored-response.ts';
import { logRequest } from './kernel/request-log.ts';
import { languageOf, problemOf, respond } from './kernel/respond.ts';
import { Routes } from './kernel/routes.ts';
import { safeHeaders } from './kernel/safe-headers.ts';
import { traced } from './kernel/tracing.ts';

export interface AppOptions {
  /** All areas by default. */
  endpoints?: readonly Endpoint[];
  /** `log` by default. */
  answerCheck?: AnswerCheck;
}

/**
 * The API as a web application. Health, metrics, the console and WebSockets are mounted on it afterwards: the
 * catch-all of operations only sees requests that no such route has matched.
 */
export function createApp(deps: AppDeps, options: AppOptions = {}): Hono {
  const { endpoints = allEndpoints, answerCheck = 'log' } = options;
  const kernel: Kernel = { deps, routes: new Routes(endpoints), answerCheck };
  const app = new Hono();
  mountDocs(app, endpoints);
  // Routes mounted next to the operations may fail too; Hono's default handler would print to the console, not the log.
  app.onError((error, c) => {
    const requestId = requestIdOf(c.req.raw);
    deps.log.error({ err: error, requestId }, 'internal error');
    const language = languageOf(c.req.raw.headers.get('accept-language'));
    return toResponse(respond(error, requestId, language), c.req.raw, requestId);
  });
  app.notFound((c) => traced(c.req.raw, () => serve(kernel, c)));
  return app;
}

async function serve(kernel: Kernel, c: Context): Promise<Response> {
  const started = performance.now();
  const request = c.req.raw;
  const url = new URL(request.url);
  const incoming: Incoming = {
    request,
    url,
    client: clientOf(request, peerOf(c.env), kernel.deps.config),
    requestId: requestIdOf(request),
    language: languageOf(request.headers.get('accept-language')),
    note: {},
  };
  const response = await answered(kernel, incoming);
  logRequest(kernel.deps.log, incoming, response.status, performance.now() - started);
  return response;
}

async function answered(kernel: Kernel, incoming: Incoming): Promise<Response> {
  const { request, requestId, language } = incoming;
  try {
    return toResponse(await handle(kernel, incoming), request, requestId);
  } catch (error) {
    const problem = problemOf(error);
    if (problem !== error) kernel.deps.log.error({ err: error, requestId }, problem?.message ?? 'internal error');
    return toResponse(respond(error, requestId, language), request, requestId);
  }
}

function toResponse(outcome: StoredResponse, request: Request, requestId: string): Response {
  const { status, body, headers, cookies = [], contentType } = outcome;
  const content =
    contentType === undefined
      ? JSON.stringify(body)
      : (body as string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>);
  const isHead = request.method === 'HEAD';
  // Nobody reads the body of a HEAD response, so its source is released.
  if (isHead && content instanceof ReadableStream) void content.cancel();
  const response = new Response(isHead ? null : content, {
    status,
    headers: {
      'content-type': contentType ?? 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      ...safeHeaders,
      'x-request-id': requestId,
      ...headers,
    },
  });
  for (const cookie of cookies) response.headers.append('set-cookie', cookie);
  return response;
}

/** The request's id: the given one, or a new one. */
export function requestIdOf(request: Request): string {
  const given = request.headers.get('x-request-id');
  return given !== null && /^[\w.:-]{1,64}$/.test(given) ? given : randomUUID();
}

/** Address of the socket's peer, as the Node server passes it on. */
function peerOf(env: unknown): string | undefined {
  return (env as { incoming?: { socket?: { remoteAddress?: string } } } | undefined)?.incoming?.socket?.remoteAddress;
}
