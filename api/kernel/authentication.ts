// Credentials become a caller here, for HTTP and for WebSockets. A request with an Authorization header is judged by that
// alone; a session cookie goes with any request of a browser, so its requests must come from our own pages and, where
// they change something, carry the session's CSRF token.
import { timingSafeEqual } from 'node:crypto';
import type { Asked, AskedGrants } from '../../db/access/caller-grants.ts';
import { secretHash, type CredentialUser } from '../../db/access/credentials.ts';
import type { Subject } from '../../db/access/rights.ts';
import { useSession } from '../../db/access/sessions.ts';
import { useToken } from '../../db/access/tokens.ts';
import type { Config } from '../../kit/config/config.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import type { AppDeps, Caller, Client } from '../operations/context.ts';
import { cookieHeader, readCookie } from './cookies.ts';

export const sessionCookie = 'slipway_session';

type Deps = Pick<AppDeps, 'db' | 'now' | 'config'>;

const anonymous: Caller = {
  user: { id: 0, username: 'anonymous', name: '' },
  channel: 'console',
  tokenId: null,
  tokenExpires: null,
  sessionHash: null,
  csrfToken: null,
  mustChangePassword: false,
  secondFactor: false,
  secondFactorDue: false,
};

/** A caller with what he holds, on the object too that his request names. */
interface Known {
  actor: Caller;
  subject: Subject;
  asked?: AskedGrants | undefined;
}

const nobody: Subject = { userId: 0, roleIds: [], isAdmin: false, system: new Set() };

/** The caller of a public operation: nobody, whatever session his request still carries. */
export function visitorOf(request: Request, client: Client): Known {
  const value = readCookie(request, sessionCookie, client);
  const actor = value === undefined ? anonymous : { ...anonymous, sessionHash: secretHash(value) };
  return { actor, subject: nobody };
}

/** The caller of a request and what he holds, by one statement; throws `unauthenticated` when its credentials are missing or worth nothing. */
export async function callerOf(request: Request, client: Client, deps: Deps, asked?: Asked): Promise<Known> {
  const authorization = request.headers.get('authorization');
  const caller = await (authorization === null
    ? bySession(request, client, deps, asked)
    : byToken(authorization, deps, asked));
  if (!caller) throw new Problem('unauthenticated');
  return caller;
}

/** Whether whoever logs in must have a second factor. */
export const needsFactor = ({ secondFactor }: Pick<Config, 'secondFactor'>, isAdmin: boolean): boolean =>
  secondFactor === 'everybody' || (secondFactor === 'administrators' && isAdmin);

/** Throws when the caller has to change his password, or to set up a second factor, before anything else. */
export function demandReady(
  { mustChangePassword, secondFactorDue }: Caller,
  { whilePasswordDue = false, whileFactorDue = false }: { whilePasswordDue?: boolean; whileFactorDue?: boolean } = {},
): void {
  if (mustChangePassword && !whilePasswordDue) throw new Problem('password_change_due');
  if (secondFactorDue && !whileFactorDue) throw new Problem('second_factor_due');
}

type Credential = Omit<Caller, 'user' | 'mustChangePassword' | 'secondFactor' | 'secondFactorDue'>;

interface Found {
  user: CredentialUser;
  subject: Subject;
  granted: string[] | null;
}

function known({ config }: Deps, { user, subject, granted }: Found, by: Credential, asked?: Asked): Known {
  const { mustChangePassword, secondFactor, ...who } = user;
  const secondFactorDue = !secondFactor && needsFactor(config, subject.isAdmin);
  const actor = { user: who, mustChangePassword, secondFactor, secondFactorDue, ...by };
  return { actor, subject, asked: asked && { ...asked, granted } };
}

async function byToken(authorization: string, deps: Deps, asked?: Asked): Promise<Known | undefined> {
  const value = /^(?:token|bearer) +([0-9a-f]{40})$/i.exec(authorization.trim())?.[1];
  const token = value === undefined ? undefined : await useToken(deps.db, value.toLowerCase(), deps.now(), asked);
  if (!token) return undefined;
  const { id: tokenId, expiresTime: tokenExpires } = token;
  return known(deps, token, { channel: 'token', tokenId, tokenExpires, sessionHash: null, csrfToken: null }, asked);
}

async function bySession(request: Request, client: Client, deps: Deps, asked?: Asked): Promise<Known | undefined> {
  const value = readCookie(request, sessionCookie, client);
  const session = value === undefined ? undefined : await useSession(deps.db, value, deps.now(), asked);
  if (!session) return undefined;
  refuseForeignOrigin(request, client);
  if (changesSomething(request) && !equal(request.headers.get('x-csrf-token') ?? '', session.csrfToken))
    throw new Problem('csrf_token');
  const { idHash: sessionHash, csrfToken } = session;
  return known(deps, session, { channel: 'console', sessionHash, csrfToken, tokenId: null, tokenExpires: null }, asked);
}

const changesSomething = ({ method }: Request): boolean => method !== 'GET' && method !== 'HEAD';

/** Refuses pages of other sites, and pages without an origin (`Origin: null`: sandboxed frames, local files). */
export function refuseForeignOrigin(request: Request, { publicUrl }: Client): void {
  const origin = request.headers.get('origin');
  // Hosts are compared, not schemes: behind a proxy that is not configured we see http where the browser sees https.
  if (origin !== null && (!URL.canParse(origin) || new URL(origin).host !== new URL(publicUrl).host))
    throw new Problem('not_allowed', { permission: 'foreign origin' });
}

const equal = (a: string, b: string): boolean => timingSafeEqual(secretHash(a), secretHash(b));

/** The Set-Cookie header that begins a session, or with an empty value ends it. */
export function sessionCookieHeader(value: string, client: Client, maxAgeSeconds: number): string {
  return cookieHeader(sessionCookie, value, client, maxAgeSeconds);
}
