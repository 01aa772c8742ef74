import type { AuditEntry } from '../../db/audit/record.ts';

/** An audit record of this area, in the view of all operations. */
export const accessEntry = (
  opType: string,
  targetType: string,
  target: { id: number | null; name: string | null },
  detail: AuditEntry['detail'],
  changes: AuditEntry['changes'] = null,
): AuditEntry => ({
  view: 'operations',
  area: 'access',
  opType,
  targetType,
  targetId: target.id,
  targetName: target.name,
  detail,
  changes,
});
