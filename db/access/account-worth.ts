// What an account can do, so that nobody gets hold of more than they have by changing what it is recovered by: its address,
// its password links, its sessions.
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import type { SystemPermission } from './catalogue.ts';
import { actionsFor, adminRole, holds, loadSubject, type Scope, type Subject } from './rights.ts';

/** A permission of the account of a user that `subject` lacks; undefined when they hold at least as much. */
export async function lackingOfAccount(
  db: Kysely<Database>,
  subject: Subject,
  userId: number,
): Promise<string | undefined> {
  if (subject.isAdmin || subject.userId === userId) return undefined;
  const account = await loadSubject(db, userId);
  if (account.isAdmin) return adminRole;
  const grants = await db
    .selectFrom('grants')
    .where((eb) =>
      eb.or([eb('userId', '=', userId), eb('roleId', 'in', account.roleIds.length > 0 ? account.roleIds : [0])]),
    )
    .select(['scope', 'objectId', 'permission'])
    .execute();
  const on = async (scope: Scope): Promise<Map<number, Set<string>>> =>
    actionsFor(db, subject, scope, [
      ...new Set(grants.filter((one) => one.scope === scope).map((one) => one.objectId)),
    ]);
  const may = { application: await on('application'), host: await on('host') };
  return grants.find(({ scope, objectId, permission }) =>
    scope === 'system' ? !holds(subject, permission as SystemPermission) : !may[scope].get(objectId)?.has(permission),
  )?.permission;
}
