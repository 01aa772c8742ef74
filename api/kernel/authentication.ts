// Turns credentials into a caller, for HTTP and WebSockets. If a request has an Authorization header, only that counts.
// Browsers attach the session cookie to every request, so requests with it must come from our own pages and, if they change
// something, carry the session's CSRF token.
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

/** A caller and their grants, including those on the object that the request names. */
interface Known {
  actor: Caller;
  subject: Subject;
  asked?: AskedGrants | undefined;
}

const nobody: Subject = { userId: 0, roleIds: [], isAdmin: false, system: new Set() };

/** The caller of a public operation: anonymous, even if the request carries a session. */
export function visitorOf(request: Request, client: Client): Known {
  const value = readCookie(request, sessionCookie, client);
  const actor = value === undefined ? anonymous : { ...anonymous, sessionHash: secretHash(value) };
  return { actor, subject: nobody };
}

/** Loads a request's caller and their grants in one query; throws `unauthenticated` for missing or invalid credentials. */
export async function callerOf(request: Request, client: Client, deps: Deps, asked?: Asked): Promise<Known> {
  const authorization = request.headers.get('authorization');
  const caller = await (authorization === null
    ? bySession(request, client, deps, asked)
    : byToken(authorization, deps, asked));
  if (!caller) throw new Problem('unauthenticated');
  return caller;
}

/** Whether a user must have a second factor to log in. */
export const needsFactor = ({ secondFactor }: Pick<Config, 'secondFactor'>, isAdmin: boolean): boolean =>
  secondFactor === 'everybody' || (secondFactor === 'administrators' && isAdmin);

/** Throws if the caller must first change their password or set up a second factor. */
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

/** Rejects requests from pages of other sites or without an origin (`Origin: null`: sandboxed frames, local files). */
export function refuseForeignOrigin(request: Request, { publicUrl }: Client): void {
  const origin = request.headers.get('origin');
  // Compares hosts, not schemes: behind a proxy that is not configured we see http where the browser sees https.
  if (origin !== null && (!URL.canParse(origin) || new URL(origin).host !== new URL(publicUrl).host))
    throw new Problem('not_allowed', { permission: 'foreign origin' });
}

const equal = (a: string, b: string): boolean => timingSafeEqual(secretHash(a), secretHash(b));

/** The Set-Cookie header that begins a session; an empty value ends it. */
export function sessionCookieHeader(value: string, client: Client, maxAgeSeconds: number): string {
  return cookieHeader(sessionCookie, value, client, maxAgeSeconds);
}
