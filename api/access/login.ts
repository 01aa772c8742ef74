// A wrong password, an unknown and a disabled user are told by the same answer after the same time. A success ends the
// session that the browser had before.
import { z } from 'zod';
import { verifyPassword } from '../../db/access/passwords.ts';
import { holds } from '../../db/access/rights.ts';
import { beginSession, endSession } from '../../db/access/sessions.ts';
import { findLogin, findUser } from '../../db/access/users.ts';
import { record } from '../../db/audit/record.ts';
import { recordRefusal } from '../../db/audit/refusals.ts';
import { quote } from '../../db/audit/text.ts';
import { Problem } from '../../workflows/problem.ts';
import { sessionCookieHeader } from '../caller.ts';
import { change } from '../change.ts';
import { endpoint } from '../endpoint.ts';
import { notAllowed, permission, signedIn } from '../permissions.ts';
import { Reply } from '../reply.ts';
import { done, iso, success, time } from '../schemas.ts';
import { forgetAttempts, takeAttempt } from './login-limits.ts';
import { accessEntry } from './text.ts';
import { permissionsObject, permissionTable, presentUser, userObject, userReference } from './user-object.ts';

const login = endpoint({
  method: 'post',
  path: '/auth/login/',
  id: 'login',
  area: 'access',
  summary: 'Log in',
  permission: 'public',
  body: z.object({ username: z.string().min(1).max(254), password: z.string().min(1).max(512) }),
  returns: z.object({
    user: userReference,
    csrf_token: z.string(),
    expires_time: time,
    must_change_password: z.boolean(),
  }),
  problems: ['wrong_credentials', 'too_many_requests'],
  async handle({ body }, ctx) {
    const user = await findLogin(ctx.db, body.username);
    const account = user?.username ?? body.username;
    await takeAttempt(ctx, account);
    const right = await verifyPassword(body.password, user?.passwordHash ?? null);
    if (!right || user?.status !== 'enabled') {
      const target = { id: user?.id ?? null, name: quote(account) };
      const detail = { en: `login as ${target.name} failed`, zh: `以 ${target.name} 登录失败` };
      await recordRefusal(ctx.db, ctx.by, accessEntry('login_failed', 'user', target, detail));
      throw new Problem('wrong_credentials');
    }
    await forgetAttempts(ctx, account);
    const session = await ctx.db.transaction().execute(async (tx) => {
      const now = ctx.now();
      await tx.updateTable('users').set({ lastLoginTime: now }).where('id', '=', user.id).execute();
      const by = { ...ctx.by, id: user.id, username: user.username };
      const target = { id: user.id, name: user.username };
      if (ctx.actor.sessionHash) await endSession(tx, ctx.actor.sessionHash);
      await record(tx, by, [accessEntry('login', 'user', target, { en: 'logged in', zh: '登录' })]);
      return beginSession(tx, { userId: user.id, remoteAddr: ctx.remoteAddr, userAgent: ctx.userAgent, now });
    });
    const maxAge = Math.floor((session.expiresTime.getTime() - ctx.now().getTime()) / 1000);
    return Reply.json(
      {
        user: { id: user.id, username: user.username, name: user.name },
        csrf_token: session.csrfToken,
        expires_time: iso(session.expiresTime),
        must_change_password: user.mustChangePassword,
      },
      { headers: { 'set-cookie': sessionCookieHeader(session.value, ctx, maxAge) } },
    );
  },
});

const bySession = permission({
  names: ['session'],
  check: ({ ctx }) => (ctx.actor.sessionHash ? Promise.resolve() : Promise.reject(notAllowed('session'))),
});

const logout = change({
  method: 'post',
  path: '/auth/logout/',
  id: 'logout',
  area: 'access',
  summary: 'Log out',
  permission: bySession,
  whilePasswordDue: true,
  returns: success,
  async handle(_input, ctx) {
    if (ctx.actor.sessionHash) await endSession(ctx.tx, ctx.actor.sessionHash);
    const target = { id: ctx.actor.user.id, name: ctx.actor.user.username };
    ctx.audit(accessEntry('logout', 'user', target, { en: 'logged out', zh: '登出' }));
    return Reply.json(done, { headers: { 'set-cookie': sessionCookieHeader('', ctx, 0) } });
  },
});

const me = endpoint({
  method: 'get',
  path: '/auth/me/',
  id: 'getMe',
  area: 'access',
  summary: 'The logged-in user and his permissions',
  permission: signedIn,
  whilePasswordDue: true,
  returns: userObject.extend({
    permissions: permissionsObject,
    csrf_token: z.string().nullable(),
    must_change_password: z.boolean(),
  }),
  async handle(_input, ctx) {
    const user = await findUser(ctx.db, ctx.actor.user.id);
    if (!user) throw new Problem('unauthenticated');
    return {
      ...presentUser(user, ctx),
      permissions: permissionTable((one) => holds(ctx.subject, one)),
      csrf_token: ctx.actor.csrfToken,
      must_change_password: ctx.actor.mustChangePassword,
    };
  },
});

export const loginEndpoints = [login, logout, me];
