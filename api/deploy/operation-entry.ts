import type { AuditEntry } from '../../db/audit/record.ts';
import { quote } from '../../db/audit/text.ts';

const verbs = {
  create: { en: 'created', zh: '创建' },
  update: { en: 'changed', zh: '修改' },
  delete: { en: 'deleted', zh: '删除' },
} as const;

const things = {
  script: { en: 'deploy script', zh: '发布脚本' },
  template: { en: 'deploy template', zh: '发布模板' },
  credential: { en: 'repository credential', zh: '仓库凭证' },
} as const;

/** An audit record of a script, template or credential, in the view of all operations. */
export function operationEntry(
  opType: keyof typeof verbs,
  targetType: keyof typeof things,
  target: { id: number; name: string },
  changes: AuditEntry['changes'] = null,
): AuditEntry {
  const [verb, thing, name] = [verbs[opType], things[targetType], quote(target.name)];
  return {
    view: 'operations',
    area: 'deploy',
    opType,
    targetType,
    targetId: target.id,
    targetName: target.name,
    changes,
    detail: { en: `${verb.en} ${thing.en} ${name}`, zh: `${verb.zh}${thing.zh} ${name}` },
  };
}
