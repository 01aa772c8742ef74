import type { Migration } from 'kysely/migration';
import * as foundation from './0001_foundation.ts';
import * as auditRefusals from './0002_audit_refusals.ts';

/** Every migration by name, in order; a migration that has been released is never changed. */
export const migrations: Record<string, Migration> = {
  '0001_foundation': foundation,
  '0002_audit_refusals': auditRefusals,
};
