// Proxies the engine's own pages at `/engine/`, behind our login, for holders of `use_engine_ui`. They are served by another
// process without authentication, so it listens on loopback (or an internal network) only. Our session cookies are not
// forwarded; changes must come from our own pages and are audited.
import type { Context, Hono } from 'hono';
import { holds } from '../../db/access/rights.ts';
import { record } from '../../db/audit/record.ts';
import { quote } from '../../db/audit/text.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { callerOf, demandReady } from '../kernel/authentication.ts';
import { clientOf } from '../kernel/client-address.ts';
import type { AppDeps, Caller, Client } from '../operations/context.ts';
import { notAllowed } from '../operations/permissions.ts';
import { languageOf, respond } from '../kernel/respond.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

/** The base path that the pages are built for. */
const engineUiPath = '/engine';

const permission = 'use_engine_ui';
const patienceMs = 30_000;
const mostBytes = 1024 * 1024;
/** The pages' own CSRF protection: a cookie and the header that repeats it. */
const ownCookie = '_csrf';
const passedOn = ['accept', 'content-type', 'x-csrf-token', 'caller-type', 'if-none-match'] as const;
const passedBack = ['content-type', 'cache-control', 'etag', 'last-modified', 'location'] as const;

/** Serves the engine's pages; without a URL they are disabled. */
export function mountEngineUi(app: Hono, deps: AppDeps, uiUrl: string | undefined): void {
  if (uiUrl === undefined) return;
  const serve = async (c: Context): Promise<Response> => {
    try {
      const client = clientOf(c.req.raw, undefined, deps.config);
      const actor = await userOf(c.req.raw, client, deps);
      const body = await bodyOf(c.req.raw);
      if (isChange(c.req.raw)) await recordUse(deps, actor, client, c.req.raw);
      return await fetched(c.req.raw, uiUrl, body);
    } catch (error) {
      const { status, body } = respond(error, 'engine-ui', languageOf(c.req.raw.headers.get('accept-language')));
      return Response.json(body, { status });
    }
  };
  app.all(engineUiPath, serve);
  app.all(`${engineUiPath}/*`, serve);
}

const isRead = ({ method }: Request): boolean => method === 'GET' || method === 'HEAD';
/** A query only reads from a workflow, although it is a POST. */
const isChange = (request: Request): boolean =>
  !isRead(request) && !/\/query(\/|$)/.test(new URL(request.url).pathname);

async function userOf(request: Request, client: Client, deps: AppDeps): Promise<Caller> {
  // The pages do not know our CSRF token; POSTs must have our own origin instead.
  const asked = new Request(request.url, { headers: request.headers });
  const { actor, subject } = await callerOf(asked, client, deps);
  demandReady(actor);
  if (!holds(subject, permission)) throw notAllowed(permission);
  if (!isRead(request) && request.headers.get('origin') === null) throw notAllowed('foreign origin');
  return actor;
}

async function bodyOf(request: Request): Promise<ArrayBuffer | undefined> {
  if (isRead(request)) return undefined;
  const tooLarge = new Problem('too_large', { limit: mostBytes });
  if (Number(request.headers.get('content-length') ?? mostBytes + 1) > mostBytes) throw tooLarge;
  return request.arrayBuffer();
}

async function fetched(request: Request, uiUrl: string, body: ArrayBuffer | undefined): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const answer = await fetch(`${uiUrl}${pathname}${search}`, {
    method: request.method,
    headers: sentOn(request),
    ...(body && { body }),
    redirect: 'manual',
    signal: AbortSignal.timeout(patienceMs),
  }).catch(() => {
    throw new Problem('unavailable', { dependency: 'the workflow engine' });
  });
  const headers = new Headers({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'SAMEORIGIN' });
  for (const name of passedBack) {
    const value = answer.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  for (const cookie of answer.headers.getSetCookie())
    if (cookie.startsWith(`${ownCookie}=`)) headers.append('set-cookie', cookie);
  return new Response(answer.body, { status: answer.status, headers });
}

function sentOn(request: Request): Headers {
  const headers = new Headers({ 'accept-encoding': 'identity' });
  for (const name of passedOn) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  const cookies = (request.headers.get('cookie') ?? '').split(';').map((pair) => pair.trim());
  const own = cookies.find((pair) => pair.startsWith(`${ownCookie}=`));
  if (own !== undefined) headers.set('cookie', own);
  return headers;
}

async function recordUse(
  { db }: AppDeps,
  { user, channel, tokenId }: Caller,
  { remoteAddr }: Client,
  request: Request,
) {
  const what = `${request.method} ${new URL(request.url).pathname}`.slice(0, 500);
  const by = { id: user.id, username: user.username, channel, tokenId, remoteAddr };
  await db.transaction().execute((tx) =>
    record(tx, by, [
      {
        view: 'operations',
        area: 'engine',
        opType: 'update',
        targetType: 'engine',
        targetId: 0,
        targetName: 'engine',
        detail: auditText('engine_pages', { what: quote(what) }),
      },
    ]),
  );
}
