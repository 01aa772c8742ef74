// Records as tests of the log need them, written as changes write them.
import type { Kysely } from 'kysely';
import { record, type AuditEntry } from '../../../db/audit/record.ts';
import type { Database } from '../../../db/database.ts';
import type { Actor } from '../../../workflows/tasks/contract.ts';

export const ann: Actor = {
  id: 7,
  username: 'ann',
  channel: 'token',
  tokenId: 3,
  remoteAddr: '10.0.0.9',
  requestId: 'r-1',
};

/** An entry of any view; a record of operations on a role by default. */
const entry = (part: Partial<AuditEntry> = {}): AuditEntry => ({
  view: 'operations',
  area: 'access',
  opType: 'update',
  targetType: 'role',
  targetId: 1,
  targetName: 'ops',
  detail: { en: 'role ops changed', zh: '修改角色 ops' },
  ...part,
});

export const write = (db: Kysely<Database>, entries: Partial<AuditEntry>[], by: Partial<Actor> = {}): Promise<void> =>
  record(db, { ...ann, ...by }, entries.map(entry));

/** A grant of a permission of a module, or on an object. */
export const grant = (part: Partial<AuditEntry>): Partial<AuditEntry> => ({
  view: 'modules',
  opType: 'enable',
  action: 'enable',
  permName: 'create_app',
  moduleName: 'app_mgmt',
  targetType: 'module',
  targetId: null,
  targetName: null,
  authorizedTargetType: 'user',
  authorizedTargetName: 'bob',
  ...part,
});
