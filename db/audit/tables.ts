import type { Generated, JSONColumnType, Selectable } from 'kysely';
import type { Actor } from '../../workflows/tasks/contract.ts';

export type AuditView = 'dns' | 'host' | 'app' | 'modules' | 'resources' | 'operations';

export const auditChannels = ['console', 'token', 'chat-ops', 'workflow', 'cli', 'syslog'] as const;
type AuditChannel = (typeof auditChannels)[number];

/** `{field: [before, after]}`; secrets are written as `******`. */
export type AuditChanges = Record<string, [unknown, unknown]>;

interface AuditRecordsTable {
  id: Generated<number>;
  opTime: Generated<Date>;
  view: AuditView;
  operator: string;
  area: string;
  opType: string;
  opTarget: string | null;
  targetType: string;
  targetId: number | null;
  targetName: string | null;
  detailEn: string;
  detailZh: string;
  moduleName: string | null;
  permName: string | null;
  action: 'enable' | 'disable' | null;
  authorizedTargetType: 'user' | 'role' | null;
  authorizedTargetName: string | null;
  outcome: Generated<'success' | 'refused'>;
  channel: AuditChannel;
  remoteAddr: string | null;
  requestId: string | null;
  tokenId: number | null;
  messageId: string | null;
  changes: JSONColumnType<AuditChanges> | null;
}

interface AuditChainTable {
  position: number;
  recordId: number;
  opTime: Date;
  prevHash: string;
  hash: string;
}

interface AuditAnchorsTable {
  id: Generated<number>;
  position: number;
  hash: string;
  time: Generated<Date>;
}

interface AuditRefusalsTable {
  key: string;
  actor: JSONColumnType<Actor>;
  /** An AuditEntry. */
  entry: JSONColumnType<object>;
  count: Generated<number>;
  since: Generated<Date>;
}

interface AuditVerificationsTable {
  id: Generated<number>;
  ok: boolean;
  /** From the first record to the head. */
  whole: boolean;
  /** A Verification. */
  result: JSONColumnType<object>;
  time: Generated<Date>;
  /** Proves the result; null of what was kept before there were proofs. */
  mac: string | null;
}

/** The append-only record, its hash chain, anchors and verifications, and the refusals that are only counted. */
export interface AuditTables {
  auditRecords: AuditRecordsTable;
  auditChain: AuditChainTable;
  auditAnchors: AuditAnchorsTable;
  auditRefusals: AuditRefusalsTable;
  auditVerifications: AuditVerificationsTable;
}

export type AuditRecordRow = Selectable<AuditRecordsTable>;
