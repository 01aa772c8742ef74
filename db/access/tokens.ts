import { sql } from 'kysely';
import type { Kysely, Selectable } from 'kysely';
import type { Database } from '../database.ts';
import { executeNamed } from '../core/prepared-statements.ts';
import { grantedOnAsked, type Asked } from './caller-grants.ts';
import { newTokenValue, secretHash, type CredentialUser } from './credentials.ts';
import { holdings, subjectOf, type Subject } from './rights.ts';
import type { AccessTables } from './tables.ts';

/** Most tokens that one user may have. */
export const maxTokens = 100;

export type TokenRow = Selectable<AccessTables['authTokens']> & { username: string };

interface UsedToken {
  id: number;
  expiresTime: Date | null;
  user: CredentialUser;
  subject: Subject;
  granted: string[] | null;
}

/**
 * The token of a value and its enabled user with their rights, also on the requested object, in one statement; undefined
 * if it is unknown or expired. Updates its last use, to the minute.
 */
export async function useToken(
  db: Kysely<Database>,
  value: string,
  now: Date,
  asked?: Asked,
): Promise<UsedToken | undefined> {
  const query = db
    .selectFrom('authTokens')
    .innerJoin('users', 'users.id', 'authTokens.userId')
    .where('authTokens.valueHash', '=', secretHash(value))
    .where('users.status', '=', 'enabled')
    .select(['authTokens.id as tokenId', 'authTokens.expiresTime', 'authTokens.lastUsedTime'])
    .select(['users.id', 'users.username', 'users.name', 'users.mustChangePassword', 'users.secondFactor'])
    .select(holdings(sql.ref('users.id')).as('held'))
    .select(grantedOnAsked(sql.ref('users.id'), asked).as('granted'));
  const [row] = await executeNamed(db, `token, ${asked?.scope ?? 'nothing'} asked`, query);
  if (!row || (row.expiresTime && row.expiresTime <= now)) return undefined;
  const { tokenId, expiresTime, lastUsedTime, held, granted, ...user } = row;
  const minute = new Date(Math.floor(now.getTime() / 60_000) * 60_000);
  if (!lastUsedTime || lastUsedTime < minute)
    await db
      .updateTable('authTokens')
      .set({ lastUsedTime: minute })
      .where('id', '=', tokenId)
      .where((eb) => eb.or([eb('lastUsedTime', 'is', null), eb('lastUsedTime', '<', minute)]))
      .execute();
  return { id: tokenId, expiresTime, user, subject: subjectOf(user.id, held), granted };
}

/** Tokens with their users' names; the base of every list and look-up. */
export const selectTokens = (db: Kysely<Database>) =>
  db
    .selectFrom('authTokens')
    .innerJoin('users', 'users.id', 'authTokens.userId')
    .selectAll('authTokens')
    .select('users.username');

/** The number of a user's tokens; locks the user's row, so that concurrent creations cannot exceed the limit. */
export async function countTokens(tx: Kysely<Database>, userId: number): Promise<number> {
  await tx.selectFrom('users').where('id', '=', userId).select('id').forUpdate().execute();
  const { count } = await tx
    .selectFrom('authTokens')
    .where('userId', '=', userId)
    .select(sql<number>`count(*)`.as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

/** Creates a token and returns its value, of which only the hash is stored. */
export async function createToken(
  tx: Kysely<Database>,
  token: { userId: number; name: string; description: string; expiresTime: Date | null },
): Promise<{ id: number; value: string }> {
  const value = newTokenValue();
  const { id } = await tx
    .insertInto('authTokens')
    .values({ ...token, valueHash: secretHash(value), lastFour: value.slice(-4) })
    .returning('id')
    .executeTakeFirstOrThrow();
  return { id, value };
}

/** Deletes the tokens of a user, but for one that may stay; returns what they were. */
export const revokeTokens = (
  tx: Kysely<Database>,
  userId: number,
  except: number | null = null,
): Promise<{ id: number; name: string; description: string }[]> =>
  tx
    .deleteFrom('authTokens')
    .where('userId', '=', userId)
    .where('id', '!=', except ?? 0)
    .returning(['id', 'name', 'description'])
    .execute();
