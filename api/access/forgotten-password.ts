// An anonymous caller requests a reset link by mail. The response does not reveal whether the user exists: limits, audit
// record and outbox row are the same either way. Strangers' requests for a mailbox lock nobody out: mails are spaced, and
// the last mailed link still works.
import { z } from 'zod';
import { noteRate } from '../../db/coordination/rate-limits.ts';
import { quote } from '../../db/audit/text.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx, Ctx } from '../operations/context.ts';
import { mailPasswordLink } from '../background/mail/password-links.ts';
import { done, success } from '../operations/schemas.ts';
import { takeOrRefuse } from './login-limits.ts';
import { accessEntry } from './text.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

const windowSeconds = 3_600;
const ofClient = { limit: 10, windowSeconds };
const ofPair = { limit: 3, windowSeconds };
const ofMailbox = { limit: ofPair.limit + 1, windowSeconds };

/** Counts a request; returns whether there were so many for this mailbox that mails to it must be spaced. */
async function takeRequest(ctx: Ctx, email: string): Promise<boolean> {
  const mailbox = ctx.secrets.mac('forgotten', email.toLowerCase()).slice(0, 32);
  const client = ctx.remoteAddr ?? 'unknown';
  await takeOrRefuse(ctx, `forgotten/client/${client}`, ofClient);
  await takeOrRefuse(ctx, `forgotten/pair/${mailbox}/${client}`, ofPair);
  return (await noteRate(ctx.db, `forgotten/mailbox/${mailbox}`, ofMailbox)) > ofPair.limit;
}

async function ask(ctx: ChangeCtx, email: string, isCrowded: boolean, userId?: number) {
  const shown = quote(email);
  const detail = auditText('password_link_asked', { name: shown });
  ctx.audit(accessEntry('password_forgotten', 'user', { id: userId ?? null, name: shown }, detail));
  await mailPasswordLink(ctx.tx, ctx.config, {
    kind: 'reset',
    email,
    language: ctx.language,
    time: ctx.now().toISOString(),
    ...(isCrowded && { isCrowded }),
    ...(userId !== undefined && { userId }),
  });
  return done;
}

const shared = {
  method: 'post',
  area: 'access',
  permission: 'public',
  description: 'The response is the same whether there is such a user or not. The link works once, for 30 minutes.',
  body: z.object({ email: z.email().max(254) }),
  returns: success,
  problems: ['too_many_requests'],
} as const;

const forgetPassword = change({
  ...shared,
  path: '/users/actions/forget-password/',
  id: 'forgetPassword',
  summary: 'Request a link to set a password by mail',
  prepare: ({ body }, ctx) => takeRequest(ctx, body.email),
  handle: ({ body }, ctx, isCrowded) => ask(ctx, body.email, isCrowded),
});

const forgetPasswordOf = change({
  ...shared,
  path: '/users/{id}/actions/forget-password/',
  id: 'forgetPasswordOf',
  summary: 'Request a link to set the password of a user by mail, if the address is theirs',
  prepare: ({ body }, ctx) => takeRequest(ctx, body.email),
  handle: ({ params, body }, ctx, isCrowded) => ask(ctx, body.email, isCrowded, params.id),
});

export const forgottenPasswordEndpoints = [forgetPassword, forgetPasswordOf];
