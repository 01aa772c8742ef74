import type { AuditEntry } from '../../db/audit/record.ts';
import type { ChangeCtx, Ctx } from '../operations/context.ts';
import { demandSystem, notFound, permission } from '../operations/permissions.ts';
import { presentImports, type HostImport } from './object.ts';

export const area = 'hosts';

/** Requires the permissions to add and to view hosts of all kinds. */
export const importer = permission({
  names: ['add_host', 'view_host'],
  check: async ({ ctx }) => {
    demandSystem(ctx, 'add_host');
    demandSystem(ctx, 'view_host');
  },
});

/** An audit record about an import. */
export const entry = (importId: number, detail: AuditEntry['detail']): AuditEntry => ({
  view: 'host',
  area,
  opType: 'add',
  targetType: 'host_import',
  targetId: importId,
  detail,
});

/** An import in API form. */
export async function seen(ctx: Ctx | ChangeCtx, importId: number): Promise<HostImport> {
  const db = 'tx' in ctx ? ctx.tx : ctx.db;
  const rows = await db.selectFrom('hostImports').selectAll().where('id', '=', importId).execute();
  const [shown] = await presentImports(db, rows);
  if (!shown) throw notFound();
  return shown;
}
