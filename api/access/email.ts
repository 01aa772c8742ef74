// The recovery address of an account is changed by its owner with proof, or by a user with at least the same rights. With a
// mail server the new address must confirm first and the old one is notified; without one there is no recovery by mail, and
// the address takes effect immediately.
import { z } from 'zod';
import { lackingOf } from '../../db/access/power.ts';
import {
  dropEmailWish,
  isEmailTaken,
  useEmailToken,
  wishEmail,
  worksEmailToken,
} from '../../db/access/email-changes.ts';
import { voidLink } from '../../db/access/password-links.ts';
import type { UserRow } from '../../db/access/users.ts';
import { isUniqueViolation } from '../../db/core/errors.ts';
import { recordRefusal } from '../../db/audit/refusals.ts';
import { quote } from '../../db/audit/text.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx, Ctx } from '../operations/context.ts';
import { mailEmailChange } from '../background/mail/email-changes.ts';
import { notAllowed } from '../operations/permissions.ts';
import { done, success } from '../operations/schemas.ts';
import { accessEntry } from './text.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

/** Throws `not_allowed` if a user's account has rights that the caller lacks. */
export async function demandWorth(ctx: Ctx & { tx?: ChangeCtx['tx'] }, userId: number): Promise<void> {
  const [lacking] = await lackingOf(ctx.tx ?? ctx.db, ctx.subject, [{ user: userId }]);
  if (lacking !== undefined) throw notAllowed(lacking);
}

/** Starts the change to an address that must be confirmed; the current address cancels a pending change. */
export async function beginEmailChange(ctx: ChangeCtx, user: UserRow, email: string): Promise<void> {
  await dropEmailWish(ctx.tx, user.id);
  if (email === user.email) return;
  if (email.toLowerCase() !== user.email.toLowerCase() && (await isEmailTaken(ctx.tx, email)))
    throw new Problem('exists');
  await wishEmail(ctx.tx, { userId: user.id, email, now: ctx.now() });
  await mailEmailChange(ctx.tx, {
    userId: user.id,
    username: user.username,
    oldEmail: user.email,
    newEmail: email,
    by: ctx.actor.user.username,
    language: ctx.language,
    time: ctx.now().toISOString(),
  });
  const name = quote(user.username);
  const detail = auditText('email_asked', { name, email: quote(email) });
  ctx.audit(accessEntry('email_change_begun', 'user', { id: user.id, name: user.username }, detail));
}

const confirmEmail = change({
  method: 'post',
  path: '/users/actions/confirm-email/',
  id: 'confirmEmail',
  area: 'access',
  summary: 'Confirm a new address with a mailed link',
  description: 'From then on it is the address of the user; password links sent to the previous one are void.',
  permission: 'public',
  body: z.object({ token: z.string().min(1).max(128) }),
  returns: success,
  problems: ['link_invalid', 'exists'],
  async prepare({ body }, ctx) {
    if (await worksEmailToken(ctx.db, body.token, ctx.now())) return;
    const refused = auditText('email_link_invalid');
    await recordRefusal(ctx.db, ctx.by, accessEntry('email_changed', 'user', { id: null, name: null }, refused));
    throw new Problem('link_invalid');
  },
  async handle({ body }, ctx) {
    const user = await useEmailToken(ctx.tx, body.token, ctx.now());
    if (!user) throw new Problem('link_invalid');
    const { id, username, email, newEmail } = user;
    await ctx.tx
      .updateTable('users')
      .set({ email: newEmail })
      .where('id', '=', id)
      .execute()
      .catch((error: unknown) => {
        throw isUniqueViolation(error) ? new Problem('exists') : error;
      });
    await voidLink(ctx.tx, id);
    const detail = auditText('email_confirmed', { name: quote(username) });
    ctx.audit(accessEntry('email_changed', 'user', { id, name: username }, detail, { email: [email, newEmail] }));
    return done;
  },
});

export const emailEndpoints = [confirmEmail];
