// Attempts are counted before they are judged, so that a burst cannot pass a limit; a success gives its count back.
import { createHash } from 'node:crypto';
import { clearRate, giveBackRate, takeRate } from '../../db/rates.ts';
import { Problem } from '../../workflows/problem.ts';
import type { Ctx } from '../context.ts';

const windowSeconds = 15 * 60;
const ofAccount = { limit: 5, windowSeconds };
const ofAddress = { limit: 50, windowSeconds };

/** The limit's key of an account; hashed, since people type passwords into the wrong field. */
export const accountKey = (username: string): string =>
  `login/account/${createHash('sha256').update(username.toLowerCase()).digest('hex')}`;
const addressKey = (remoteAddr: string | null): string => `login/address/${remoteAddr ?? 'unknown'}`;

/** Counts an attempt to give a password; throws when there were too many that failed. */
export async function takeAttempt(ctx: Ctx, username: string): Promise<void> {
  for (const [key, limit] of [
    [accountKey(username), ofAccount],
    [addressKey(ctx.remoteAddr), ofAddress],
  ] as const) {
    const { allowed, retryAfterSeconds } = await takeRate(ctx.db, key, limit);
    if (!allowed) throw new Problem('too_many_requests', { retry_after: retryAfterSeconds });
  }
}

/** The attempt was right: it does not count, and neither do earlier ones of the account. */
export async function forgetAttempts(ctx: Ctx, username: string): Promise<void> {
  await clearRate(ctx.db, accountKey(username));
  await giveBackRate(ctx.db, addressKey(ctx.remoteAddr));
}
