import { z } from 'zod';
import { endAllSessions, endSessions, selectSessions } from '../../db/access/sessions.ts';
import { change } from '../operations/change.ts';
import type { Ctx } from '../operations/context.ts';
import { list } from '../operations/list.ts';
import { admin, notFound, permission, requestedId, signedIn, system } from '../operations/permissions.ts';
import { actions, done, iso, success, time } from '../operations/schemas.ts';
import { demandWorth } from './email.ts';
import { demandOwnPassword, givenPassword } from './reauthenticate.ts';
import { accessEntry } from './text.ts';
import { demandManage, mustFind } from './users.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

const session = z.object({
  id: z.int(),
  created_time: time,
  last_used_time: time,
  expires_time: time,
  remote_addr: z.string().nullable(),
  client: z.string().nullable().meta({ description: 'The user agent at the login' }),
  current: z.boolean().meta({ description: 'Whether this request was made with it' }),
  available_actions: actions('delete'),
});

const own = ({ db, actor, now }: Ctx) => selectSessions(db, actor.user.id, now());

const listSessions = list({
  path: '/auth/sessions/',
  id: 'listSessions',
  area: 'access',
  summary: 'List own sessions',
  description:
    'Those that have not ended; the time of the last use is precise to the minute. Auth tokens are not sessions.',
  permission: signedIn,
  item: session,
  query: (_input, ctx) => own(ctx),
  present: (rows, { actor: { sessionHash } }) =>
    rows.map((row) => ({
      id: row.id,
      remote_addr: row.remoteAddr,
      client: row.userAgent,
      created_time: iso(row.createdTime),
      last_used_time: iso(row.lastSeenTime),
      expires_time: iso(row.expiresTime),
      current: sessionHash !== null && row.idHash.equals(sessionHash),
      available_actions: { delete: true },
    })),
});

/** The caller's own session that has not ended; others' are not found, whatever the caller's rights. */
const ownSession = permission({
  names: [],
  async check(request) {
    const found = await own(request.ctx).where('id', '=', requestedId(request, 'id')).executeTakeFirst();
    if (!found) throw notFound();
  },
});

const body = z.object({ password: givenPassword });
const problems = ['too_many_requests'] as const;
const needsPassword = 'Needs the password of the caller; a wrong one counts towards the limit of logins.';

const deleteSession = change({
  method: 'delete',
  path: '/auth/sessions/{id}/',
  id: 'deleteSession',
  area: 'access',
  summary: 'End one of your own sessions',
  description: needsPassword,
  permission: ownSession,
  body,
  returns: success,
  problems,
  prepare: ({ body: { password } }, ctx) => demandOwnPassword(ctx, password),
  async handle({ params }, ctx) {
    const { id: userId, username } = ctx.actor.user;
    const { numDeletedRows } = await ctx.tx
      .deleteFrom('sessions')
      .where('id', '=', params.id)
      .where('userId', '=', userId)
      .executeTakeFirstOrThrow();
    if (numDeletedRows === 0n) throw notFound();
    const detail = auditText('session_ended', { id: params.id });
    ctx.audit(accessEntry('delete', 'session', { id: params.id, name: username }, detail));
    return done;
  },
});

/** The audit record of a user's sessions that ended together. */
const ended = (user: { id: number; username: string }, count: number) =>
  accessEntry(
    'end_sessions',
    'user',
    { id: user.id, name: user.username },
    auditText('sessions_ended', { n: count, name: user.username }),
  );

const endOtherSessions = change({
  method: 'post',
  path: '/auth/sessions/actions/end-others/',
  id: 'endOtherSessions',
  area: 'access',
  summary: 'End all own sessions but the current one',
  description: `${needsPassword} Called with a token, all of them end.`,
  permission: signedIn,
  body,
  returns: success,
  problems,
  prepare: ({ body: { password } }, ctx) => demandOwnPassword(ctx, password),
  async handle(_input, ctx) {
    const { user, sessionHash } = ctx.actor;
    const count = await endSessions(ctx.tx, user.id, sessionHash);
    if (count > 0) ctx.audit(ended(user, count));
    return done;
  },
});

const endUserSessions = change({
  method: 'post',
  path: '/users/{id}/actions/end-sessions/',
  id: 'endUserSessions',
  area: 'access',
  summary: 'End all sessions of a user',
  description: 'Auth tokens stay. Only of a user who holds no more than the caller.',
  permission: system('manage_user'),
  returns: success,
  async handle({ params }, ctx) {
    const user = await mustFind(ctx.tx, params.id);
    demandManage(ctx, user);
    await demandWorth(ctx, user.id);
    const count = await endSessions(ctx.tx, user.id);
    if (count > 0) ctx.audit(ended(user, count));
    return done;
  },
});

const endEverybodysSessions = change({
  method: 'post',
  path: '/users/actions/end-sessions/',
  id: 'endEverybodysSessions',
  area: 'access',
  summary: 'End the sessions of all users',
  description: `All but the current one end; auth tokens stay. ${needsPassword}`,
  permission: admin,
  body,
  returns: success,
  problems,
  prepare: ({ body: { password } }, ctx) => demandOwnPassword(ctx, password),
  async handle(_input, ctx) {
    for (const { count, ...user } of await endAllSessions(ctx.tx, ctx.actor.sessionHash)) ctx.audit(ended(user, count));
    return done;
  },
});

export const sessionEndpoints = [listSessions, deleteSession, endOtherSessions, endUserSessions, endEverybodysSessions];
