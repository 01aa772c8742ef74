// Somebody who cannot log in asks for a link by mail. Nothing of the answer depends on whether he exists: the same limits,
// the same record, the same row of the outbox, whatever comes of it.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { takeRate } from '../../db/rates.ts';
import { quote } from '../../db/audit/text.ts';
import { Problem } from '../../workflows/problem.ts';
import { change } from '../change.ts';
import type { ChangeCtx, Ctx } from '../context.ts';
import { mailPasswordLink } from '../mail/password-links.ts';
import { done, success } from '../schemas.ts';
import { accessEntry } from './text.ts';

const windowSeconds = 3_600;
const ofClient = { limit: 10, windowSeconds };
const ofAddress = { limit: 3, windowSeconds };

async function takeRequest(ctx: Ctx, email: string): Promise<void> {
  const address = createHash('sha256').update(email.toLowerCase()).digest('hex');
  for (const [key, limit] of [
    [`forgotten/client/${ctx.remoteAddr ?? 'unknown'}`, ofClient],
    [`forgotten/address/${address}`, ofAddress],
  ] as const) {
    const { allowed, retryAfterSeconds } = await takeRate(ctx.db, key, limit);
    if (!allowed) throw new Problem('too_many_requests', { retry_after: retryAfterSeconds });
  }
}

async function ask(ctx: ChangeCtx, email: string, userId?: number) {
  const shown = quote(email);
  const detail = { en: `a password link for ${shown} was asked for`, zh: `为 ${shown} 请求重置密码链接` };
  ctx.audit(accessEntry('password_forgotten', 'user', { id: userId ?? null, name: shown }, detail));
  await mailPasswordLink(ctx.tx, ctx.config, {
    ...{ kind: 'reset', email, language: ctx.language, time: ctx.now().toISOString() },
    ...(userId !== undefined && { userId }),
  });
  return done;
}

const shared = {
  method: 'post',
  area: 'access',
  permission: 'public',
  description: 'The answer is the same whether there is such a user or not. The link works once, for 30 minutes.',
  body: z.object({ email: z.email().max(254) }),
  returns: success,
  problems: ['too_many_requests'],
} as const;

const forgetPassword = change({
  ...shared,
  path: '/users/actions/forget-password/',
  id: 'forgetPassword',
  summary: 'Have a link to set a password mailed',
  prepare: ({ body }, ctx) => takeRequest(ctx, body.email),
  handle: ({ body }, ctx) => ask(ctx, body.email),
});

const forgetPasswordOf = change({
  ...shared,
  path: '/users/{id}/actions/forget-password/',
  id: 'forgetPasswordOf',
  summary: 'Have a link to set the password of a user mailed, if the address is his',
  prepare: ({ body }, ctx) => takeRequest(ctx, body.email),
  handle: ({ params, body }, ctx) => ask(ctx, body.email, params.id),
});

export const forgottenPasswordEndpoints = [forgetPassword, forgetPasswordOf];
