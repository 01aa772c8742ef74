import type { Generated, JSONColumnType } from 'kysely';
import type { AccessTables } from './access/tables.ts';
import type { ApprovalTables } from './approvals/tables.ts';
import type { AuditTables } from './audit/tables.ts';
import type { DeployTables } from './deploy/tables.ts';
import type { HostImportTables } from './host-imports/tables.ts';
import type { HostReadTables } from './host-reads/tables.ts';
import type { HostTaskTables } from './hosts/tables.ts';
import type { InventoryTables } from './inventory/tables.ts';
import type { NavigatorTables } from './navigators/tables.ts';
import type { ResourceTables } from './requests/tables.ts';
import type { TaskTables } from './tasks/tables.ts';

interface OutboxTable {
  id: Generated<number>;
  topic: string;
  payload: JSONColumnType<Record<string, unknown>>;
  createdTime: Generated<Date>;
  attempts: Generated<number>;
  nextAttemptTime: Generated<Date>;
  lastError: string | null;
}

interface IdempotencyKeysTable {
  userId: number;
  key: string;
  requestHash: string;
  status: number | null;
  response: JSONColumnType<object> | null;
  createdTime: Generated<Date>;
}

interface UsedTicketsTable {
  nonce: string;
  expiresTime: Date;
}

/** Every table, as queries see it (camelCase; snake-case.ts maps them). */
export interface Database
  extends
    NavigatorTables,
    AccessTables,
    ApprovalTables,
    InventoryTables,
    DeployTables,
    TaskTables,
    AuditTables,
    HostReadTables,
    HostImportTables,
    HostTaskTables,
    ResourceTables {
  outbox: OutboxTable;
  idempotencyKeys: IdempotencyKeysTable;
  usedTickets: UsedTicketsTable;
}
