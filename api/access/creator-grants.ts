import type { AuditEntry } from '../../db/audit/record.ts';
import { changeGrants } from '../../db/access/grants.ts';
import { scopes, type Scope } from '../../db/access/rights.ts';
import type { ChangeCtx } from '../operations/context.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

/** Grants the caller every permission on an object that they create, each with its audit record. */
export async function grantToCreator(
  ctx: ChangeCtx,
  scope: Scope,
  object: { id: number; name: string },
): Promise<void> {
  const { user } = ctx.actor;
  const wanted = scopes[scope].permissions.map((permission) => ({ objectId: object.id, permission, enable: true }));
  const given = await changeGrants(ctx.tx, { kind: 'user', id: user.id }, scope, wanted);
  ctx.audit(
    ...given.map(({ permission }): AuditEntry => ({
      view: 'resources',
      area: 'access',
      opType: 'enable',
      action: 'enable',
      permName: permission,
      targetType: scope,
      targetId: object.id,
      targetName: object.name,
      authorizedTargetType: 'user',
      authorizedTargetName: user.username,
      detail: auditText('given_to_creator', { permission }),
    })),
  );
}
