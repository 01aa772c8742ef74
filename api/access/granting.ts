// The only way to change grants, whatever the path: callers must hold each permission that they grant or revoke (or the
// admin role), the permissions must exist, and every changed grant is audited.
import {
  modules,
  permissionAliases,
  type ModuleName,
  type SystemPermission,
} from '../../db/access/permission-catalogue.ts';
import { findGrantee } from '../../db/access/grantees.ts';
import { changeGrants, type GrantChange, type Grantee, type GrantScope } from '../../db/access/grants.ts';
import { lackingOf } from '../../db/access/power.ts';
import { scopes, type Scope } from '../../db/access/rights.ts';
import { invalidField, Problem } from '../../workflows/problems/problem.ts';
import type { ChangeCtx, Ctx } from '../operations/context.ts';
import { demandOnEach } from '../operations/permissions.ts';
import { auditGrants, objectNames } from '../../db/access/grant-audit.ts';
import { msg } from '../../kit/messages/message.ts';

type NamedGrantee = Grantee & { name: string; builtin: boolean };

/** The grantee that a path names; throws `no_such`. */
export async function granteeOf({ db }: Pick<Ctx, 'db'>, kind: Grantee['kind'], id: number): Promise<NamedGrantee> {
  const row = await findGrantee(db, { kind, id });
  if (!row) throw new Problem('no_such', { thing: kind, id });
  return { kind, id, name: row.name, builtin: row.builtin };
}

/** One object with the permissions to grant (true) and to revoke (false). */
interface ObjectGrant {
  id: number;
  permission: Record<string, boolean>;
}

const refusal = (name: string): Problem => new Problem('no_right_to_grant', { name });

/** Grants and revokes permissions on objects that the caller may edit. */
export async function grantOnObjects(
  ctx: ChangeCtx,
  grantee: NamedGrantee,
  scope: Scope,
  entries: readonly ObjectGrant[],
): Promise<void> {
  demandOpen(grantee);
  const ids = entries.map((entry) => entry.id);
  if (new Set(ids).size < ids.length) throw invalidField('id', msg('is_there_twice'));
  await demandOnEach({ ...ctx, db: ctx.tx }, scope, scope === 'application' ? 'edit_app' : 'edit_host', ids);
  const known: readonly string[] = scopes[scope].permissions;
  const changes: GrantChange[] = [];
  for (const { id, permission } of entries)
    for (const [name, enable] of Object.entries(permission)) {
      if (!known.includes(name)) throw new Problem('undefined_permission', { name });
      changes.push({ objectId: id, permission: name, enable });
    }
  await demandHeld(ctx, scope, changes);
  await carryOut(ctx, grantee, scope, changes);
}

/** The module with this name or alias; throws `undefined_permission`. */
export function moduleNamed(name: string): ModuleName {
  const found = (Object.keys(modules) as ModuleName[]).find(
    (module) => module === name || (modules[module].aliases as readonly string[]).includes(name),
  );
  if (!found) throw new Problem('undefined_permission', { name });
  return found;
}

// Two names of common_tools are also documented under deploy_template_mgmt; they are stored under common_tools.
const alsoUnder: Partial<Record<ModuleName, ModuleName>> = { deploy_template_mgmt: 'common_tools' };
const strayed = ['enable_cdn_refresher', 'enable_jumpserver_log_mgmt'];

function systemPermission(module: ModuleName, given: string): SystemPermission {
  const name = permissionAliases[given] ?? given;
  const own: readonly string[] = modules[module].permissions;
  const stray = alsoUnder[module] !== undefined && strayed.includes(name);
  if (!own.includes(name) && !stray) throw new Problem('undefined_permission', { name: given });
  return name as SystemPermission;
}

/** Grants and revokes permissions of modules. */
export async function grantOnSystem(
  ctx: ChangeCtx,
  grantee: NamedGrantee,
  entries: readonly { module_name: string; permissions: Record<string, boolean> }[],
): Promise<void> {
  demandOpen(grantee);
  const wanted = new Map<SystemPermission, boolean>();
  for (const { module_name, permissions } of entries) {
    const module = moduleNamed(module_name);
    for (const [given, enable] of Object.entries(permissions)) {
      const name = systemPermission(module, given);
      if (wanted.has(name)) throw invalidField(`permissions.${given}`, msg('is_there_twice'));
      wanted.set(name, enable);
    }
  }
  const changes = [...wanted].map(([permission, enable]) => ({ objectId: 0, permission, enable }));
  await demandHeld(ctx, 'system', changes);
  await carryOut(ctx, grantee, 'system', changes);
}

/** Throws for the first permission that the caller lacks. */
async function demandHeld(ctx: ChangeCtx, scope: GrantScope, changes: readonly GrantChange[]): Promise<void> {
  const grants = changes.map(({ objectId, permission }) => ({ scope, objectId, permission }));
  const [lacking] = await lackingOf(ctx.tx, ctx.subject, [{ grants }]);
  if (lacking !== undefined) throw refusal(lacking);
}

function demandOpen(grantee: NamedGrantee): void {
  if (grantee.builtin) throw new Problem('builtin_role', { name: grantee.name });
}

async function carryOut(ctx: ChangeCtx, grantee: NamedGrantee, scope: GrantScope, changes: readonly GrantChange[]) {
  const changed = await changeGrants(ctx.tx, grantee, scope, changes);
  const names = await objectNames(ctx.tx, scope, [...new Set(changed.map((change) => change.objectId))]);
  ctx.audit(...auditGrants(grantee, scope, changed, names));
}
