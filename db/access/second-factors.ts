// The second factor of a login: an authenticator (TOTP), and recovery codes for its loss. A code is valid once: the last
// accepted step only grows, and a recovery code is deleted by its use. Check and use are one statement, so that of two
// concurrent attempts one fails.
import { randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import { json } from '../core/jsonb.ts';
import type { SecretEnvelope } from '../secrets/secrets.ts';
import { newSessionSecret, secretHash } from './credentials.ts';

const pendingMs = 5 * 60_000;
const recoveryCodeCount = 10;
/** 120 bits, so that a plain hash of a code cannot be guessed at. */
const recoveryCodeBytes = 15;

/** The place of a user's secret, for its envelope. */
export const factorPurpose = (userId: number): string => `second_factors/secret/${userId}`;

/** The generator of a user, confirmed or not. */
export const findFactor = (db: Kysely<Database>, userId: number) =>
  db
    .selectFrom('secondFactors')
    .where('userId', '=', userId)
    .select(['secret', 'createdTime', 'confirmedTime'])
    .executeTakeFirst();

/** Stores an unconfirmed authenticator, replacing another unconfirmed one; false if a confirmed one exists. */
export async function enrolFactor(
  tx: Kysely<Database>,
  { userId, secret, now }: { userId: number; secret: SecretEnvelope; now: Date },
): Promise<boolean> {
  const row = { secret: json(secret), createdTime: now, lastStep: 0 };
  const stored = await tx
    .insertInto('secondFactors')
    .values({ userId, ...row, confirmedTime: null })
    .onConflict((on) => on.column('userId').doUpdateSet(row).where('secondFactors.confirmedTime', 'is', null))
    .returning('userId')
    .executeTakeFirst();
  return stored !== undefined;
}

/** Consumes the code of a time step; false if it, or a later one, was used before. */
export async function takeStep(tx: Kysely<Database>, userId: number, step: number): Promise<boolean> {
  const taken = await tx
    .updateTable('secondFactors')
    .set({ lastStep: step })
    .where('userId', '=', userId)
    .where('lastStep', '<', step)
    .returning('userId')
    .executeTakeFirst();
  return taken !== undefined;
}

/** Makes the user's logins require a code. */
export async function confirmFactor(tx: Kysely<Database>, userId: number, now: Date): Promise<void> {
  await tx.updateTable('secondFactors').set({ confirmedTime: now }).where('userId', '=', userId).execute();
  await tx.updateTable('users').set({ secondFactor: true }).where('id', '=', userId).execute();
}

/** Removes generator and recovery codes; false when there was no generator. */
export async function removeFactor(tx: Kysely<Database>, userId: number): Promise<boolean> {
  await tx.deleteFrom('recoveryCodes').where('userId', '=', userId).execute();
  await tx.updateTable('users').set({ secondFactor: false }).where('id', '=', userId).execute();
  const removed = await tx.deleteFrom('secondFactors').where('userId', '=', userId).executeTakeFirstOrThrow();
  return removed.numDeletedRows > 0n;
}

const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789';

/** A new code: six groups of four from 32 unambiguous letters and digits. */
function newRecoveryCode(): string {
  let bits = BigInt(`0x${randomBytes(recoveryCodeBytes).toString('hex')}`);
  let code = '';
  for (let n = 0; n < (recoveryCodeBytes * 8) / 5; n += 1, bits >>= 5n)
    code += (n > 0 && n % 4 === 0 ? '-' : '') + (alphabet[Number(bits & 31n)] ?? '');
  return code;
}

/** Replaces all recovery codes by new ones, which are not stored in clear. */
export async function newRecoveryCodes(tx: Kysely<Database>, userId: number): Promise<string[]> {
  const codes = Array.from({ length: recoveryCodeCount }, newRecoveryCode);
  await tx.deleteFrom('recoveryCodes').where('userId', '=', userId).execute();
  await tx
    .insertInto('recoveryCodes')
    .values(codes.map((code) => ({ userId, codeHash: secretHash(code) })))
    .execute();
  return codes;
}

/** Consumes a recovery code; false if the user has no such code. */
export async function takeRecoveryCode(tx: Kysely<Database>, userId: number, code: string): Promise<boolean> {
  const taken = await tx
    .deleteFrom('recoveryCodes')
    .where('userId', '=', userId)
    .where('codeHash', '=', secretHash(code.trim().toLowerCase()))
    .returning('userId')
    .executeTakeFirst();
  return taken !== undefined;
}

/** How many recovery codes a user has left. */
export async function recoveryCodesLeft(db: Kysely<Database>, userId: number): Promise<number> {
  const { count } = await db
    .selectFrom('recoveryCodes')
    .where('userId', '=', userId)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

/** Records a correct password; returns the ticket for the second step, valid for five minutes. */
export async function beginPendingLogin(
  db: Kysely<Database>,
  { userId, now }: { userId: number; now: Date },
): Promise<{ ticket: string; expiresTime: Date }> {
  const ticket = newSessionSecret();
  const expiresTime = new Date(now.getTime() + pendingMs);
  await db
    .insertInto('pendingLogins')
    .values({ ticketHash: secretHash(ticket), userId, expiresTime })
    .execute();
  return { ticket, expiresTime };
}

/** The enabled user whose login waits for a code. */
export const userOfPendingLogin = (db: Kysely<Database>, ticket: string, now: Date) =>
  db
    .selectFrom('pendingLogins')
    .innerJoin('users', 'users.id', 'pendingLogins.userId')
    .where('pendingLogins.ticketHash', '=', secretHash(ticket))
    .where('pendingLogins.expiresTime', '>', now)
    .where('users.status', '=', 'enabled')
    .select(['users.id', 'users.username', 'users.name', 'users.mustChangePassword'])
    .executeTakeFirst();

/** Ends a pending login; false if it has already ended. */
export async function endPendingLogin(tx: Kysely<Database>, ticket: string): Promise<boolean> {
  const ended = await tx
    .deleteFrom('pendingLogins')
    .where('ticketHash', '=', secretHash(ticket))
    .executeTakeFirstOrThrow();
  return ended.numDeletedRows > 0n;
}
