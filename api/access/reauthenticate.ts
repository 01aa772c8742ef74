// Whoever changes by what he logs in, or ends sessions, says his password again: a session or token that somebody else has
// got hold of is not enough. A wrong one counts towards the limit of logins.
import { z } from 'zod';
import { verifyPassword } from '../../db/access/passwords.ts';
import type { Ctx } from '../context.ts';
import { notAllowed } from '../permissions.ts';
import { forgetAttempts, takeAttempt } from './login-limits.ts';

/** A password that is to be compared, as bodies carry it. */
export const givenPassword = z.string().min(1).max(512);

/** The stored hash of a user's password; null when he has none. */
export async function storedHash({ db }: Pick<Ctx, 'db'>, userId: number): Promise<string | null> {
  const row = await db.selectFrom('users').where('id', '=', userId).select('passwordHash').executeTakeFirst();
  return row?.passwordHash ?? null;
}

/** Whether a password is the caller's own; throws `too_many_requests` after too many that were not. */
export async function isOwnPassword(ctx: Ctx, password: string): Promise<boolean> {
  const { id, username } = ctx.actor.user;
  await takeAttempt(ctx, username);
  if (!(await verifyPassword(password, await storedHash(ctx, id)))) return false;
  await forgetAttempts(ctx, username);
  return true;
}

/** Throws `not_allowed` unless a password is the caller's own. */
export async function demandOwnPassword(ctx: Ctx, password: string): Promise<void> {
  if (!(await isOwnPassword(ctx, password))) throw notAllowed('password');
}
