import type { Kysely } from 'kysely';
import { modules, type ModuleName } from './permission-catalogue.ts';
import type { GrantChange, Grantee, GrantScope } from './grants.ts';
import type { AuditEntry } from '../audit/record.ts';
import { quote } from '../audit/text.ts';
import type { Database } from '../database.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

/** Names of applications (full) or hosts by id, those that are gone included. */
export async function objectNames(
  db: Kysely<Database>,
  scope: GrantScope,
  ids: readonly number[],
): Promise<Map<number, string>> {
  if (scope === 'system' || ids.length === 0) return new Map();
  const rows =
    scope === 'application'
      ? await db.selectFrom('applications').where('id', 'in', ids).select(['id', 'fullName as name']).execute()
      : await db.selectFrom('hosts').where('id', 'in', ids).select(['id', 'name']).execute();
  return new Map(rows.map((row) => [row.id, row.name]));
}

const moduleOf = (permission: string): ModuleName | undefined =>
  (Object.keys(modules) as ModuleName[]).find((name) =>
    (modules[name].permissions as readonly string[]).includes(permission),
  );

/** One record for each permission that was given or taken back. */
export const auditGrants = (
  grantee: Grantee & { name: string },
  scope: GrantScope,
  changes: readonly GrantChange[],
  names: ReadonlyMap<number, string>,
): AuditEntry[] =>
  changes.map(({ objectId, permission, enable }) => {
    const where = `${scope} ${quote(names.get(objectId) ?? String(objectId))}`;
    const whom = `${grantee.kind} ${quote(grantee.name)}`;
    return {
      view: scope === 'system' ? 'modules' : 'resources',
      area: 'access',
      opType: enable ? 'enable' : 'disable',
      action: enable ? 'enable' : 'disable',
      ...(scope === 'system'
        ? { targetType: 'module', targetId: null, moduleName: moduleOf(permission) ?? null }
        : { targetType: scope, targetId: objectId, targetName: names.get(objectId) ?? null }),
      permName: permission,
      authorizedTargetType: grantee.kind,
      authorizedTargetName: grantee.name,
      detail:
        scope === 'system'
          ? auditText(enable ? 'granted' : 'revoked', { permission, whom })
          : auditText(enable ? 'granted_on' : 'revoked_on', { permission, whom, where }),
    };
  });
