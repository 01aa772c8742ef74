import type { AuditEntry } from '../../db/audit/record.ts';
import { quote } from '../../db/audit/text.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

/** An application's name in audit records. */
export interface NamedApplication {
  id: number;
  fullName: string;
}

/** An audit record in the applications view. */
export const applicationEntry = (
  opType: 'add' | 'update' | 'delete' | 'attach_host' | 'detach_host' | 'change_deploy_setting',
  { id, fullName }: NamedApplication,
  detail: AuditEntry['detail'],
  changes: AuditEntry['changes'] = null,
): AuditEntry => ({
  view: 'app',
  area: 'applications',
  opType,
  targetType: 'application',
  targetId: id,
  targetName: fullName,
  detail,
  changes,
});

/** The audit record of changed fields; none if nothing changed. */
export const updateEntries = (application: NamedApplication, changes: AuditEntry['changes']): AuditEntry[] => {
  if (!changes) return [];
  const name = quote(application.fullName);
  const fields = Object.keys(changes).join(', ');
  const detail = auditText('application_changed', { name, fields });
  return [applicationEntry('update', application, detail, changes)];
};
