import { z } from 'zod';
import { lackingOf } from '../../db/access/power.ts';
import { voidLink } from '../../db/access/password-links.ts';
import { hashPassword, verifyPassword } from '../../db/access/passwords.ts';
import { endSessions } from '../../db/access/sessions.ts';
import { otherAdministrators } from '../../db/access/users.ts';
import { clearRate, takeRate } from '../../db/coordination/rate-limits.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx } from '../operations/context.ts';
import { admin, notAllowed, system } from '../operations/permissions.ts';
import { done, success } from '../operations/schemas.ts';
import { storedHash } from './reauthenticate.ts';
import { accessEntry } from './text.ts';
import { auditedRevocation } from './tokens.ts';
import { demandManage, demandStrong, mustFind, self } from './users.ts';
import { msg } from '../../kit/messages/message.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

async function setStatus(ctx: ChangeCtx, userId: number, status: 'enabled' | 'disabled') {
  const user = await mustFind(ctx.tx, userId);
  demandManage(ctx, user);
  if (status === 'disabled') {
    if (user.isAdmin && (await otherAdministrators(ctx.tx, [userId])) === 0) throw new Problem('last_administrator');
    // Tokens are kept but rejected while their user is disabled; sessions end for good.
    await endSessions(ctx.tx, userId);
  }
  if (user.status === status) return done;
  if (status === 'enabled') await demandPower(ctx, userId);
  await ctx.tx.updateTable('users').set({ status }).where('id', '=', userId).execute();
  const detail = auditText(status === 'enabled' ? 'user_enabled' : 'user_disabled', { name: user.username });
  const target = { id: userId, name: user.username };
  ctx.audit(accessEntry('update', 'user', target, detail, { status: [user.status, status] }));
  return done;
}

/** Throws unless the caller holds the account's power: enabling it passes that on. */
async function demandPower(ctx: ChangeCtx, userId: number): Promise<void> {
  const [lacking] = await lackingOf(ctx.tx, ctx.subject, [{ user: userId }]);
  if (lacking !== undefined) throw notAllowed(lacking);
}

const disableUser = change({
  method: 'post',
  path: '/users/{id}/actions/disable/',
  id: 'disableUser',
  area: 'access',
  summary: 'Disable a user',
  description:
    'Their sessions and tokens stop working at once. A user with the admin role can be disabled only by that role.',
  permission: system('manage_user'),
  returns: success,
  problems: ['last_administrator'],
  handle: ({ params }, ctx) => setStatus(ctx, params.id, 'disabled'),
});

const enableUser = change({
  method: 'post',
  path: '/users/{id}/actions/enable/',
  id: 'enableUser',
  area: 'access',
  summary: 'Enable a user',
  permission: system('manage_user'),
  returns: success,
  handle: ({ params }, ctx) => setStatus(ctx, params.id, 'enabled'),
});

/** Whether a new password revokes the auth tokens created before it. */
export const endTokens = z.boolean().default(true);

const wrongOriginals = { limit: 5, windowSeconds: 15 * 60 };

/** A new password, hashed before the transaction begins, and the result of comparing it with the current one. */
interface NewPassword {
  hash: string;
  /** The current password is correct (change), or the same as the new one (set). */
  matches: boolean;
  retryAfterSeconds: number;
}

const changePassword = change({
  method: 'post',
  path: '/users/{id}/actions/change-password/',
  id: 'changePassword',
  area: 'access',
  summary: 'Change own password',
  description: 'Other sessions end, and with end_tokens all tokens but the one of this request.',
  permission: self,
  whilePasswordDue: true,
  whileFactorDue: true,
  body: z.object({ original_password: z.string().max(512), new_password: z.string(), end_tokens: endTokens }),
  returns: success,
  problems: ['wrong_original_password', 'weak_password', 'too_many_requests'],
  async prepare({ params, body }, ctx): Promise<NewPassword> {
    const key = `change-password/${params.id}/${ctx.remoteAddr ?? 'unknown'}`;
    const { allowed, retryAfterSeconds } = await takeRate(ctx.db, key, wrongOriginals);
    if (!allowed) return { hash: '', matches: false, retryAfterSeconds };
    const matches = await verifyPassword(body.original_password, await storedHash(ctx, params.id));
    if (matches) await clearRate(ctx.db, key);
    return { hash: matches ? await hashPassword(body.new_password) : '', matches, retryAfterSeconds: 0 };
  },
  async handle({ params, body }, ctx, { hash, matches, retryAfterSeconds }) {
    if (retryAfterSeconds > 0) throw new Problem('too_many_requests', { retry_after: retryAfterSeconds });
    if (!matches) throw new Problem('wrong_original_password');
    demandStrong(ctx, 'new_password', body.new_password, await mustFind(ctx.tx, params.id));
    if (body.new_password === body.original_password) throw samePassword();
    const password = { passwordHash: hash, mustChangePassword: false };
    await ctx.tx.updateTable('users').set(password).where('id', '=', params.id).execute();
    await voidLink(ctx.tx, params.id);
    await endSessions(ctx.tx, params.id, ctx.actor.sessionHash);
    if (body.end_tokens) await auditedRevocation(ctx, params.id, ctx.actor.tokenId);
    const target = { id: params.id, name: ctx.actor.user.username };
    ctx.audit(accessEntry('password_changed', 'user', target, auditText('password_changed')));
    return done;
  },
});

/** Rejects the password that the user already has. */
export const samePassword = (): Problem =>
  new Problem('weak_password', {}, [{ field: 'new_password', message: msg('is_the_present_password') }]);

const setPassword = change({
  method: 'post',
  path: '/users/{id}/actions/set-password/',
  id: 'setPassword',
  area: 'access',
  summary: 'Set the password of a user',
  description: 'It must be changed at the next login; sessions end, and with end_tokens auth tokens.',
  permission: admin,
  body: z.object({ new_password: z.string(), end_tokens: endTokens }),
  returns: success,
  problems: ['weak_password'],
  prepare: async ({ params, body }, ctx): Promise<NewPassword> => ({
    hash: await hashPassword(body.new_password),
    matches: await verifyPassword(body.new_password, await storedHash(ctx, params.id)),
    retryAfterSeconds: 0,
  }),
  async handle({ params, body }, ctx, { hash, matches }) {
    const user = await mustFind(ctx.tx, params.id);
    demandStrong(ctx, 'new_password', body.new_password, user);
    if (matches) throw samePassword();
    const password = { passwordHash: hash, mustChangePassword: true };
    await ctx.tx.updateTable('users').set(password).where('id', '=', user.id).execute();
    await voidLink(ctx.tx, user.id);
    await endSessions(ctx.tx, user.id);
    if (body.end_tokens) await auditedRevocation(ctx, user.id);
    const detail = auditText('password_set', { name: user.username });
    ctx.audit(accessEntry('password_set', 'user', { id: user.id, name: user.username }, detail));
    return done;
  },
});

export const userActionEndpoints = [disableUser, enableUser, changePassword, setPassword];
