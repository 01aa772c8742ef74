// A new address takes effect when its reader follows a mailed link, which proves that the user receives mail there.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import { newSessionSecret, secretHash } from './credentials.ts';

/** How long the link to confirm an address works, in milliseconds. */
export const emailLinkLifeMs = 24 * 3_600_000;

/** Stores a user's new address until it is confirmed, replacing an earlier one. */
export async function wishEmail(
  tx: Kysely<Database>,
  { userId, email, now }: { userId: number; email: string; now: Date },
): Promise<void> {
  const wish = { email, tokenHash: null, createdTime: now, expiresTime: new Date(now.getTime() + emailLinkLifeMs) };
  await tx
    .insertInto('emailChanges')
    .values({ userId, ...wish })
    .onConflict((on) => on.column('userId').doUpdateSet(wish))
    .execute();
}

/** Drops an unconfirmed address. */
export async function dropEmailWish(tx: Kysely<Database>, userId: number): Promise<void> {
  await tx.deleteFrom('emailChanges').where('userId', '=', userId).execute();
}

/** Whether a user has this address, regardless of case. */
export async function isEmailTaken(db: Kysely<Database>, email: string): Promise<boolean> {
  const found = await db
    .selectFrom('users')
    .where(({ fn }) => fn<string>('lower', ['email']), '=', email.toLowerCase())
    .select('id')
    .executeTakeFirst();
  return found !== undefined;
}

/** A new token for the link to this address; undefined if it is no longer requested. */
export async function makeEmailToken(db: Kysely<Database>, userId: number, email: string): Promise<string | undefined> {
  const token = newSessionSecret();
  const made = await db
    .updateTable('emailChanges')
    .set({ tokenHash: secretHash(token) })
    .where('userId', '=', userId)
    .where('email', '=', email)
    .returning('userId')
    .executeTakeFirst();
  return made && token;
}

/** Whether a link is still valid. */
export async function worksEmailToken(db: Kysely<Database>, token: string, now: Date): Promise<boolean> {
  const found = await db
    .selectFrom('emailChanges')
    .where('tokenHash', '=', secretHash(token))
    .where('expiresTime', '>', now)
    .select('userId')
    .executeTakeFirst();
  return found !== undefined;
}

/** Consumes a link; returns the enabled user and their new address, undefined if the link is invalid. */
export async function useEmailToken(tx: Kysely<Database>, token: string, now: Date) {
  const wish = await tx
    .deleteFrom('emailChanges')
    .where('tokenHash', '=', secretHash(token))
    .where('expiresTime', '>', now)
    .where('userId', 'in', sql<number>`(select id from users where status = 'enabled')`)
    .returning(['userId', 'email'])
    .executeTakeFirst();
  if (!wish) return undefined;
  const user = await tx
    .selectFrom('users')
    .where('id', '=', wish.userId)
    .select(['id', 'username', 'email'])
    .executeTakeFirstOrThrow();
  return { ...user, newEmail: wish.email };
}
