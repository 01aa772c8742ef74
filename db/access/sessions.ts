import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import { executeNamed } from '../core/prepared-statements.ts';
import { grantedOnAsked, type Asked } from './caller-grants.ts';
import { newSessionSecret, secretHash, type CredentialUser } from './credentials.ts';
import { holdings, subjectOf, type Subject } from './rights.ts';

const idleMs = 12 * 3_600_000;
const wholeMs = 7 * 24 * 3_600_000;
const noteMs = 60_000;

/** Sessions last seen before this time have ended. */
export const seenAfter = (now: Date): Date => new Date(now.getTime() - idleMs);

/** A session that was just begun; `value` is the cookie's and is not stored. */
export interface NewSession {
  value: string;
  csrfToken: string;
  expiresTime: Date;
}

/** Begins a session of at most seven days, 12 hours idle. */
export async function beginSession(
  db: Kysely<Database>,
  { now, ...whose }: { userId: number; remoteAddr: string | null; userAgent: string | null; now: Date },
): Promise<NewSession> {
  const session = {
    value: newSessionSecret(),
    csrfToken: newSessionSecret(),
    expiresTime: new Date(now.getTime() + wholeMs),
  };
  await db
    .insertInto('sessions')
    .values({
      idHash: secretHash(session.value),
      csrfToken: session.csrfToken,
      expiresTime: session.expiresTime,
      ...whose,
      createdTime: now,
      lastSeenTime: now,
    })
    .execute();
  return session;
}

interface UsedSession {
  idHash: Buffer;
  csrfToken: string;
  expiresTime: Date;
  user: CredentialUser;
  subject: Subject;
  granted: string[] | null;
}

/**
 * The session of a cookie and its enabled user with their rights, also on the requested object, in one statement;
 * undefined if it has ended. Updates its last use, to the minute.
 */
export async function useSession(
  db: Kysely<Database>,
  value: string,
  now: Date,
  asked?: Asked,
): Promise<UsedSession | undefined> {
  const idHash = secretHash(value);
  const query = db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.userId')
    .where('sessions.idHash', '=', idHash)
    .where('sessions.expiresTime', '>', now)
    .where('sessions.lastSeenTime', '>', seenAfter(now))
    .where('users.status', '=', 'enabled')
    .select(['sessions.csrfToken', 'sessions.expiresTime', 'sessions.lastSeenTime'])
    .select(['users.id', 'users.username', 'users.name', 'users.mustChangePassword', 'users.secondFactor'])
    .select(holdings(sql.ref('users.id')).as('held'))
    .select(grantedOnAsked(sql.ref('users.id'), asked).as('granted'));
  const [row] = await executeNamed(db, `session, ${asked?.scope ?? 'nothing'} asked`, query);
  if (!row) return undefined;
  const { csrfToken, expiresTime, lastSeenTime, held, granted, ...user } = row;
  if (now.getTime() - lastSeenTime.getTime() >= noteMs)
    await db.updateTable('sessions').set({ lastSeenTime: now }).where('idHash', '=', idHash).execute();
  return { idHash, csrfToken, expiresTime, user, subject: subjectOf(user.id, held), granted };
}

/** Ends one session. */
export async function endSession(db: Kysely<Database>, idHash: Buffer): Promise<void> {
  await db.deleteFrom('sessions').where('idHash', '=', idHash).execute();
}

/** Ends all sessions of a user, and logins that wait for a code, but for one session that may stay; returns how many ended. */
export async function endSessions(db: Kysely<Database>, userId: number, except: Buffer | null = null): Promise<number> {
  await db.deleteFrom('pendingLogins').where('userId', '=', userId).execute();
  let query = db.deleteFrom('sessions').where('userId', '=', userId);
  if (except) query = query.where('idHash', '!=', except);
  return Number((await query.executeTakeFirstOrThrow()).numDeletedRows);
}

/** Ends the sessions of everybody, and logins that wait for a code, but for one; returns how many of whom ended. */
export const endAllSessions = (db: Kysely<Database>, except: Buffer | null) =>
  db
    .with('waiting', (cte) => cte.deleteFrom('pendingLogins'))
    .with('ended', (cte) => {
      const all = cte.deleteFrom('sessions');
      return (except ? all.where('idHash', '!=', except) : all).returning('userId');
    })
    .selectFrom('ended')
    .innerJoin('users', 'users.id', 'ended.userId')
    .select(['users.id', 'users.username'])
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .groupBy('users.id')
    .execute();

/** The sessions of a user that have not ended; the base of every list and look-up. */
export const selectSessions = (db: Kysely<Database>, userId: number, now: Date) =>
  db
    .selectFrom('sessions')
    .where('userId', '=', userId)
    .where('expiresTime', '>', now)
    .where('lastSeenTime', '>', seenAfter(now))
    .select(['id', 'idHash', 'remoteAddr', 'userAgent', 'createdTime', 'lastSeenTime', 'expiresTime']);
