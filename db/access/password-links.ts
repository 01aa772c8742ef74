// Links to set a password without knowing the current one. Only the token's hash is stored; a user has at most one link, so
// a newer one voids the older, and using it deletes it.
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import { newSessionSecret, secretHash } from './credentials.ts';

export type PasswordLinkKind = 'reset' | 'invitation';

const minuteMs = 60_000;
/** How long a link works, in milliseconds. */
export const linkLifeMs: Readonly<Record<PasswordLinkKind, number>> = {
  reset: 30 * minuteMs,
  invitation: 72 * 60 * minuteMs,
};

/** The addressee of a link request: by address, and by id if given. */
interface Addressee {
  email: string;
  userId?: number | undefined;
}

/** The enabled user with that address (regardless of case) and, if given, that id. */
export function findAddressee(db: Kysely<Database>, { email, userId }: Addressee) {
  let query = db
    .selectFrom('users')
    .where(({ fn }) => fn<string>('lower', ['email']), '=', email.toLowerCase())
    .where('status', '=', 'enabled');
  if (userId !== undefined) query = query.where('id', '=', userId);
  return query.select(['id', 'username', 'email']).executeTakeFirst();
}

/** Creates the user's link and returns its token (256 bits), which is not stored. */
export async function makeLink(
  db: Kysely<Database>,
  { userId, email, kind, now }: { userId: number; email: string; kind: PasswordLinkKind; now: Date },
): Promise<string> {
  const token = newSessionSecret();
  const link = {
    kind,
    email,
    tokenHash: secretHash(token),
    createdTime: now,
    expiresTime: new Date(now.getTime() + linkLifeMs[kind]),
  };
  await db
    .insertInto('passwordLinks')
    .values({ userId, ...link })
    .onConflict((on) => on.column('userId').doUpdateSet(link))
    .execute();
  return token;
}

const youngMs = 5 * minuteMs;

/** Whether the user was sent a link within the last five minutes. */
export async function hasYoungLink(db: Kysely<Database>, userId: number, now: Date): Promise<boolean> {
  const found = await db
    .selectFrom('passwordLinks')
    .where('userId', '=', userId)
    .where('createdTime', '>', new Date(now.getTime() - youngMs))
    .select('userId')
    .executeTakeFirst();
  return found !== undefined;
}

/** The enabled user of a valid link; it is invalid once the address that it was mailed to is no longer theirs. */
export const userOfLink = (db: Kysely<Database>, token: string, now: Date) =>
  db
    .selectFrom('passwordLinks')
    .innerJoin('users', 'users.id', 'passwordLinks.userId')
    .where('passwordLinks.tokenHash', '=', secretHash(token))
    .where('passwordLinks.expiresTime', '>', now)
    .where('users.status', '=', 'enabled')
    .whereRef('users.email', '=', 'passwordLinks.email')
    .select(['users.id', 'users.username', 'users.email', 'users.passwordHash'])
    .executeTakeFirst();

/** Consumes a link; false if it was already used or replaced. */
export async function useLink(tx: Kysely<Database>, token: string): Promise<boolean> {
  const used = await tx
    .deleteFrom('passwordLinks')
    .where('tokenHash', '=', secretHash(token))
    .returning('userId')
    .executeTakeFirst();
  return used !== undefined;
}

/** Voids the link of a user whose password was set another way. */
export async function voidLink(tx: Kysely<Database>, userId: number): Promise<void> {
  await tx.deleteFrom('passwordLinks').where('userId', '=', userId).execute();
}
