import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { record } from '../audit/record.ts';
import type { Database } from '../database.ts';
import { generatePassword, hashPassword, weaknessOf } from './passwords.ts';
import { adminRole } from './rights.ts';
import { auditText } from '../../kit/messages/audit-text.ts';
import { msg, render } from '../../kit/messages/message.ts';

interface FirstAdmin {
  /** The operator's; one is generated otherwise. */
  password?: string | undefined;
  /** Words that it may not consist of. */
  words?: readonly string[];
}

/**
 * Makes the user `admin` when nobody has the admin role yet, with the given password or a generated one, which has to be
 * changed at its first use. Returns a generated password, once; any number of processes may call it at the same time.
 * Throws when the given password is too weak.
 */
export async function ensureAdmin(
  db: Kysely<Database>,
  { password, words = [] }: FirstAdmin = {},
): Promise<string | undefined> {
  return db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtextextended('first administrator', 0))`.execute(tx);
    const role = await tx.selectFrom('roles').where('name', '=', adminRole).select('id').executeTakeFirstOrThrow();
    const someone = await tx.selectFrom('userRoles').where('roleId', '=', role.id).select('userId').executeTakeFirst();
    if (someone) return undefined;
    const user = { username: 'admin', name: 'admin', email: 'admin@localhost' };
    const weakness = password === undefined ? undefined : weaknessOf(password, { ...user, words });
    if (weakness) throw new Error(`SLIPWAY_ADMIN_PASSWORD ${render(msg(weakness), 'en')}`);
    const generated = password === undefined ? generatePassword() : undefined;
    const passwordHash = await hashPassword(generated ?? password ?? '');
    const { id } = await tx
      .insertInto('users')
      .values({ ...user, passwordHash, mustChangePassword: generated !== undefined, lastLoginTime: null })
      .returning('id')
      .executeTakeFirstOrThrow();
    await tx.insertInto('userRoles').values({ userId: id, roleId: role.id }).execute();
    await record(tx, { id: 0, username: 'system', channel: 'cli' }, [
      {
        view: 'operations',
        area: 'access',
        opType: 'create',
        targetType: 'user',
        targetId: id,
        targetName: user.username,
        detail: auditText('first_administrator_created'),
      },
    ]);
    return generated;
  });
}
