// Changing login data, creating a credential or ending sessions requires the current password or a code: a stolen session
// or token is not enough. A wrong one counts towards the login limit.
import { z } from 'zod';
import { verifyPassword } from '../../db/access/passwords.ts';
import { inTransaction } from '../../db/core/transaction.ts';
import { invalidField } from '../../workflows/problems/problem.ts';
import type { Ctx } from '../operations/context.ts';
import { notAllowed } from '../operations/permissions.ts';
import { givenCode, takeCode } from './codes.ts';
import { forgetAttempts, forgetCodeAttempts, takeAttempt, takeCodeAttempt } from './login-limits.ts';
import { msg } from '../../kit/messages/message.ts';

/** A password to verify, in a body. */
export const givenPassword = z.string().min(1).max(512);

/** Proof of the caller's identity: one of both. */
export const proof = {
  password: givenPassword.optional().meta({ description: "The caller's own password, or else a code" }),
  code: givenCode.optional().meta({ description: "A code of the caller's own second factor" }),
};

interface Proof {
  password?: string | undefined;
  code?: string | undefined;
}

export const isGiven = ({ password, code }: Proof): boolean => password !== undefined || code !== undefined;

/** The stored hash of a user's password; null without a password. */
export async function storedHash({ db }: Pick<Ctx, 'db'>, userId: number): Promise<string | null> {
  const row = await db.selectFrom('users').where('id', '=', userId).select('passwordHash').executeTakeFirst();
  return row?.passwordHash ?? null;
}

/** Whether a password is the caller's own; throws `too_many_requests` after too many wrong ones. */
async function isOwnPassword(ctx: Ctx, password: string): Promise<boolean> {
  const { id, username } = ctx.actor.user;
  const account = { id, username };
  await takeAttempt(ctx, account);
  if (!(await verifyPassword(password, await storedHash(ctx, id)))) return false;
  await forgetAttempts(ctx, account);
  return true;
}

/** Throws `not_allowed` unless a password is the caller's own. */
export async function demandOwnPassword(ctx: Ctx, password: string): Promise<void> {
  if (!(await isOwnPassword(ctx, password))) throw notAllowed('password');
}

async function demandCode(ctx: Ctx, code: string): Promise<void> {
  const { id } = ctx.actor.user;
  await takeCodeAttempt(ctx, id);
  if (!(await inTransaction(ctx.db, (tx) => takeCode(tx, ctx, id, code)))) throw notAllowed('code');
  await forgetCodeAttempts(ctx, id);
}

/**
 * Verifies the caller's identity before the transaction of their change; throws `invalid` without a password or code, and
 * `not_allowed` if it is wrong.
 */
export async function proveOwn(ctx: Ctx, { password, code }: Proof): Promise<true> {
  if (password !== undefined) await demandOwnPassword(ctx, password);
  else if (code !== undefined) await demandCode(ctx, code);
  else throw invalidField('password', msg('is_needed_or_a_code'));
  return true;
}
