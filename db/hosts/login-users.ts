import type { Kysely } from 'kysely';
import { workflowActor } from '../../workflows/tasks/contract.ts';
import { auditGrants } from '../access/grant-audit.ts';
import { changeGrants } from '../access/grants.ts';
import { record } from '../audit/record.ts';
import type { AuditEntry } from '../audit/record.ts';
import type { Database } from '../database.ts';

/** The enabled users among these ids. */
export const enabledUsers = (db: Kysely<Database>, ids: readonly number[]) =>
  db
    .selectFrom('users')
    .select(['id', 'username as name'])
    .where('id', 'in', ids)
    .where('status', '=', 'enabled')
    .orderBy('id')
    .execute();

/** Grants users `login_host` on a host, each audited; users who already have it or were disabled meanwhile are skipped. */
export async function grantLogin(
  db: Kysely<Database>,
  host: { id: number; name: string },
  userIds: readonly number[],
): Promise<void> {
  const wanted = [{ objectId: host.id, permission: 'login_host', enable: true }];
  await db.transaction().execute(async (tx) => {
    const entries: AuditEntry[] = [];
    for (const user of await enabledUsers(tx, userIds)) {
      const grantee = { kind: 'user', ...user } as const;
      const given = await changeGrants(tx, grantee, 'host', wanted);
      entries.push(...auditGrants(grantee, 'host', given, new Map([[host.id, host.name]])));
    }
    await record(tx, workflowActor, entries);
  });
}
