// Codes of a second factor; login-limits.ts limits wrong attempts.
import { z } from 'zod';
import { factorPurpose, findFactor, takeRecoveryCode, takeStep } from '../../db/access/second-factors.ts';
import type { ChangeCtx, Ctx } from '../operations/context.ts';
import { notAllowed } from '../operations/permissions.ts';
import { forgetCodeAttempts } from './login-limits.ts';
import { stepOfCode } from './totp.ts';

/** A code in a body: six digits, or a recovery code. */
export const givenCode = z.string().trim().min(6).max(64);

type Reader = Pick<Ctx, 'secrets' | 'now' | 'config'>;

/** Consumes an authenticator code, confirmed or not; false if it is wrong or used before, or without an authenticator. */
export async function takeGeneratedCode(
  tx: ChangeCtx['tx'],
  { secrets, now, config }: Reader,
  userId: number,
  code: string,
): Promise<boolean> {
  const factor = await findFactor(tx, userId);
  if (!factor || !/^\d{6}$/.test(code)) return false;
  const secret = secrets.open(factorPurpose(userId), factor.secret);
  const step = stepOfCode(secret, code, { now: now(), drift: config.secondFactorDrift });
  return step !== undefined && takeStep(tx, userId, step);
}

/** Consumes an authenticator or recovery code; undefined if it is neither. */
export async function takeCode(
  tx: ChangeCtx['tx'],
  reader: Reader,
  userId: number,
  code: string,
): Promise<'generated' | 'recovery' | undefined> {
  if (await takeGeneratedCode(tx, reader, userId, code)) return 'generated';
  return (await takeRecoveryCode(tx, userId, code)) ? 'recovery' : undefined;
}

/** Throws `not_allowed` unless the code is one of the caller's, and consumes it. */
export async function demandOwnCode(ctx: ChangeCtx, code: string): Promise<void> {
  const { id } = ctx.actor.user;
  if (!(await takeCode(ctx.tx, ctx, id, code))) throw notAllowed('code');
  ctx.afterCommit(() => forgetCodeAttempts(ctx, id));
}
