import type { AuditEntry } from '../../db/audit/record.ts';

/** A host's name in audit records. */
interface NamedHost {
  id: number;
  name: string;
}

/** An audit record in the hosts view. */
export const hostEntry = (
  opType: 'add' | 'update' | 'delete' | 'attach_app' | 'detach_app',
  { id, name }: NamedHost,
  detail: AuditEntry['detail'],
  changes: AuditEntry['changes'] = null,
): AuditEntry => ({
  view: 'host',
  area: 'hosts',
  opType,
  targetType: 'host',
  targetId: id,
  targetName: name,
  detail,
  changes,
});
