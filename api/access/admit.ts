import type { Transaction } from 'kysely';
import { z } from 'zod';
import { beginSession, endSession, type NewSession } from '../../db/access/sessions.ts';
import { findUser } from '../../db/access/users.ts';
import { record } from '../../db/audit/record.ts';
import type { Database } from '../../db/database.ts';
import { needsFactor, sessionCookieHeader } from '../kernel/authentication.ts';
import type { Ctx } from '../operations/context.ts';
import { deviceCookieHeader } from './known-device.ts';
import { Reply } from '../operations/stored-response.ts';
import { iso, time } from '../operations/schemas.ts';
import { accessEntry } from './text.ts';
import { userReference } from './user-object.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

/** An authenticated user. */
interface AuthenticatedUser {
  id: number;
  username: string;
  name: string;
  mustChangePassword: boolean;
}

/** The response to a login that began a session. */
export const sessionBegun = z.object({
  user: userReference,
  csrf_token: z.string(),
  expires_time: time,
  must_change_password: z.boolean(),
  second_factor_due: z
    .literal(true)
    .optional()
    .meta({ description: 'A second factor has to be set up before anything else: the installation requires one' }),
});

/** Begins a session, with its audit record; it replaces the browser's previous session. */
export async function admit(
  tx: Transaction<Database>,
  ctx: Ctx,
  user: AuthenticatedUser,
  detail = auditText('logged_in'),
): Promise<NewSession> {
  const now = ctx.now();
  await tx.updateTable('users').set({ lastLoginTime: now }).where('id', '=', user.id).execute();
  const by = { ...ctx.by, id: user.id, username: user.username };
  if (ctx.actor.sessionHash) await endSession(tx, ctx.actor.sessionHash);
  await record(tx, by, [accessEntry('login', 'user', { id: user.id, name: user.username }, detail)]);
  const { remoteAddr, userAgent } = ctx;
  return beginSession(tx, { userId: user.id, remoteAddr, userAgent, now });
}

/** The response to a login, with the session cookie. */
export async function admitted(ctx: Ctx, user: AuthenticatedUser & { secondFactor: boolean }, session: NewSession) {
  const due = !user.secondFactor && needsFactor(ctx.config, (await findUser(ctx.db, user.id))?.isAdmin ?? false);
  const maxAge = Math.floor((session.expiresTime.getTime() - ctx.now().getTime()) / 1000);
  return Reply.json(
    {
      user: { id: user.id, username: user.username, name: user.name },
      csrf_token: session.csrfToken,
      expires_time: iso(session.expiresTime),
      must_change_password: user.mustChangePassword,
      ...(due && { second_factor_due: true as const }),
    },
    { cookies: [sessionCookieHeader(session.value, ctx, maxAge), deviceCookieHeader(ctx, user.id)] },
  );
}
