import type { AuditEntry } from '../../db/audit/record.ts';

/** A host as audit records name it. */
export interface NamedHost {
  id: number;
  name: string;
}

/** A record of the view of hosts. */
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
