// Codes of a second factor, and how many wrong ones are borne: 5 of a user in 15 minutes, 20 in a day, counted in the
// database before they are looked at. Nobody gets here without the password, so nobody is locked out by strangers.
import { z } from 'zod';
import { factorPurpose, findFactor, takeRecoveryCode, takeStep } from '../../db/access/second-factors.ts';
import { clearRate, takeRate } from '../../db/rates.ts';
import { Problem } from '../../workflows/problem.ts';
import type { ChangeCtx, Ctx } from '../context.ts';
import { notAllowed } from '../permissions.ts';
import { stepOfCode } from './totp.ts';

/** A code as bodies carry it: six digits, or a recovery code. */
export const givenCode = z.string().trim().min(6).max(64);

const limitsOf = (userId: number) =>
  [
    [`second-factor/${userId}`, { limit: 5, windowSeconds: 15 * 60 }],
    [`second-factor/day/${userId}`, { limit: 20, windowSeconds: 24 * 3_600 }],
  ] as const;

/** Counts a code that is about to be tried; throws when there were too many wrong ones. */
export async function takeCodeAttempt({ db }: Pick<Ctx, 'db'>, userId: number): Promise<void> {
  for (const [key, limit] of limitsOf(userId)) {
    const { allowed, retryAfterSeconds } = await takeRate(db, key, limit);
    if (!allowed) throw new Problem('too_many_requests', { retry_after: retryAfterSeconds });
  }
}

/** The code was right: earlier wrong ones do not count any more. */
export async function forgetCodeAttempts({ db }: Pick<Ctx, 'db'>, userId: number): Promise<void> {
  for (const [key] of limitsOf(userId)) await clearRate(db, key);
}

type Reader = Pick<Ctx, 'secrets' | 'now' | 'config'>;

/** Takes a code of the generator, confirmed or not; false when it is wrong, was taken before, or there is no generator. */
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

/** Takes a code: of the generator, or a recovery code; undefined when it is neither. */
export async function takeCode(
  tx: ChangeCtx['tx'],
  reader: Reader,
  userId: number,
  code: string,
): Promise<'generated' | 'recovery' | undefined> {
  if (await takeGeneratedCode(tx, reader, userId, code)) return 'generated';
  return (await takeRecoveryCode(tx, userId, code)) ? 'recovery' : undefined;
}

/** Throws `not_allowed` unless the code is one of the caller's, which is used up by it. */
export async function demandOwnCode(ctx: ChangeCtx, code: string): Promise<void> {
  const { id } = ctx.actor.user;
  if (!(await takeCode(ctx.tx, ctx, id, code))) throw notAllowed('code');
  ctx.afterCommit(() => forgetCodeAttempts(ctx, id));
}
