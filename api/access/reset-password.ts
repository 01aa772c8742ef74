import { z } from 'zod';
import { useLink, userOfLink } from '../../db/access/password-links.ts';
import { hashPassword, verifyPassword } from '../../db/access/passwords.ts';
import { endSessions } from '../../db/access/sessions.ts';
import { recordRefusal } from '../../db/audit/refusals.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { change } from '../operations/change.ts';
import type { Ctx } from '../operations/context.ts';
import { done, success } from '../operations/schemas.ts';
import { forgetAttempts } from './login-limits.ts';
import { accessEntry } from './text.ts';
import { auditedRevocation } from './tokens.ts';
import { endTokens, samePassword } from './user-actions.ts';
import { demandStrong } from './users.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

interface Reset {
  user: { id: number; username: string };
  passwordHash: string;
}

async function refuse(ctx: Ctx): Promise<never> {
  const detail = auditText('password_link_invalid');
  await recordRefusal(ctx.db, ctx.by, accessEntry('password_reset', 'user', { id: null, name: null }, detail));
  throw new Problem('link_invalid');
}

const resetPassword = change({
  method: 'post',
  path: '/users/actions/reset-password/',
  id: 'resetPassword',
  area: 'access',
  summary: 'Set a new password with a mailed link',
  description: 'All sessions of the user end, and with end_tokens the auth tokens too (revoke_tokens: the same).',
  permission: 'public',
  body: z.object({
    token: z.string().min(1).max(128),
    new_password: z.string(),
    end_tokens: endTokens,
    revoke_tokens: z.boolean().optional(),
  }),
  returns: success,
  problems: ['link_invalid', 'weak_password'],
  // A password is hashed only for holders of a valid link: hashing is too expensive to do for anyone.
  async prepare({ body }, ctx): Promise<Reset> {
    const user = await userOfLink(ctx.db, body.token, ctx.now());
    if (!user) return refuse(ctx);
    demandStrong(ctx, 'new_password', body.new_password, user);
    if (await verifyPassword(body.new_password, user.passwordHash)) throw samePassword();
    return { user, passwordHash: await hashPassword(body.new_password) };
  },
  async handle({ body }, ctx, { user: { id, username }, passwordHash }) {
    const user = await userOfLink(ctx.tx, body.token, ctx.now());
    if (user?.id !== id || !(await useLink(ctx.tx, body.token))) throw new Problem('link_invalid');
    await ctx.tx.updateTable('users').set({ passwordHash, mustChangePassword: false }).where('id', '=', id).execute();
    await endSessions(ctx.tx, id);
    await forgetAttempts({ ...ctx, db: ctx.tx }, { id, username });
    const detail = auditText('password_set_by_link', { name: username });
    ctx.audit(accessEntry('password_reset', 'user', { id, name: username }, detail));
    if (body.revoke_tokens ?? body.end_tokens) await auditedRevocation(ctx, id);
    return done;
  },
});

export const resetPasswordEndpoints = [resetPassword];
