// A wrong password, an unknown user and a disabled user get the same response after the same time. A success ends the
// browser's previous session.
import { z } from 'zod';
import { verifyPassword } from '../../db/access/passwords.ts';
import { holds } from '../../db/access/rights.ts';
import { beginPendingLogin } from '../../db/access/second-factors.ts';
import { endSession } from '../../db/access/sessions.ts';
import { findLogin, findUser } from '../../db/access/users.ts';
import { record } from '../../db/audit/record.ts';
import { recordRefusal } from '../../db/audit/refusals.ts';
import { quote } from '../../db/audit/text.ts';
import { inTransaction } from '../../db/core/transaction.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { sessionCookieHeader } from '../kernel/authentication.ts';
import { change } from '../operations/change.ts';
import type { Ctx } from '../operations/context.ts';
import { endpoint } from '../operations/endpoint.ts';
import { notAllowed, permission, signedIn } from '../operations/permissions.ts';
import { Reply } from '../operations/stored-response.ts';
import { done, iso, success, time } from '../operations/schemas.ts';
import { admit, admitted, sessionBegun } from './admit.ts';
import { forgetAttempts, takeAttempt } from './login-limits.ts';
import { accessEntry } from './text.ts';
import { permissionsObject, permissionTable, presentUser, userObject } from './user-object.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

const codeDue = z.object({
  second_factor: z.object({
    ticket: z.string().meta({ description: 'For loginWithCode; good for five minutes' }),
    expires_time: time,
  }),
});

const login = endpoint({
  method: 'post',
  path: '/auth/login/',
  id: 'login',
  area: 'access',
  summary: 'Log in',
  description:
    'A user with a second factor gets a ticket instead of a session, and continues with POST /auth/login/second-factor/.',
  permission: 'public',
  body: z.object({ username: z.string().min(1).max(254), password: z.string().min(1).max(512) }),
  returns: z.union([sessionBegun, codeDue]),
  problems: ['wrong_credentials', 'too_many_requests'],
  async handle({ body }, ctx) {
    const user = await findLogin(ctx.db, body.username);
    const account = { id: user?.id ?? null, username: user?.username ?? body.username };
    await takeAttempt(ctx, account);
    const right = await verifyPassword(body.password, user?.passwordHash ?? null);
    if (!right || user?.status !== 'enabled') {
      // An unknown name may be a password in the wrong field: the audit log is never cut, so it gets only a hash.
      const typed = `(unknown ${ctx.secrets.mac('unknown-login', body.username.toLowerCase()).slice(0, 16)})`;
      const target = { id: user?.id ?? null, name: user ? quote(user.username) : typed };
      const detail = auditText('login_failed', { name: target.name });
      await recordRefusal(ctx.db, ctx.by, accessEntry('login_failed', 'user', target, detail));
      throw new Problem('wrong_credentials');
    }
    await forgetAttempts(ctx, account);
    if (user.secondFactor) return askForCode(ctx, user);
    const session = await inTransaction(ctx.db, (tx) => admit(tx, ctx, user));
    return admitted(ctx, user, session);
  },
});

/** After a correct password: the login continues with a code. */
async function askForCode(ctx: Ctx, { id, username }: { id: number; username: string }) {
  const { ticket, expiresTime } = await inTransaction(ctx.db, async (tx) => {
    const detail = auditText('login_code_due');
    const by = { ...ctx.by, id, username };
    await record(tx, by, [accessEntry('login_begun', 'user', { id, name: username }, detail)]);
    return beginPendingLogin(tx, { userId: id, now: ctx.now() });
  });
  return Reply.json({ second_factor: { ticket, expires_time: iso(expiresTime) } });
}

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
  whileFactorDue: true,
  returns: success,
  async handle(_input, ctx) {
    if (ctx.actor.sessionHash) await endSession(ctx.tx, ctx.actor.sessionHash);
    const target = { id: ctx.actor.user.id, name: ctx.actor.user.username };
    ctx.audit(accessEntry('logout', 'user', target, auditText('logged_out')));
    return Reply.json(done, { cookies: [sessionCookieHeader('', ctx, 0)] });
  },
});

const me = endpoint({
  method: 'get',
  path: '/auth/me/',
  id: 'getMe',
  area: 'access',
  summary: 'The logged-in user and their permissions',
  permission: signedIn,
  whilePasswordDue: true,
  whileFactorDue: true,
  returns: userObject.extend({
    permissions: permissionsObject,
    csrf_token: z.string().nullable(),
    must_change_password: z.boolean(),
    second_factor_due: z.boolean(),
  }),
  async handle(_input, ctx) {
    const user = await findUser(ctx.db, ctx.actor.user.id);
    if (!user) throw new Problem('unauthenticated');
    return {
      ...presentUser(user, ctx),
      permissions: permissionTable((one) => holds(ctx.subject, one)),
      csrf_token: ctx.actor.csrfToken,
      must_change_password: ctx.actor.mustChangePassword,
      second_factor_due: ctx.actor.secondFactorDue,
    };
  },
});

export const loginEndpoints = [login, logout, me];
