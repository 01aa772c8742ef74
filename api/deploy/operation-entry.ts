import type { AuditEntry } from '../../db/audit/record.ts';
import { quote } from '../../db/audit/text.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

const done = { create: 'created', update: 'changed', delete: 'deleted' } as const;

/** An audit record of a script, template or credential, in the view of all operations. */
export function operationEntry(
  opType: keyof typeof done,
  targetType: 'script' | 'template' | 'credential',
  target: { id: number; name: string },
  changes: AuditEntry['changes'] = null,
): AuditEntry {
  return {
    view: 'operations',
    area: 'deploy',
    opType,
    targetType,
    targetId: target.id,
    targetName: target.name,
    changes,
    detail: auditText(`${targetType}_${done[opType]}`, { name: quote(target.name) }),
  };
}
