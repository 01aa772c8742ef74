import { holding, holdingOn, type Table } from './rules.ts';

/** Who did what. */
export const audit: Table = {
  listDnsOperations: holding('enable_audit'),
  listHostOperations: holding('enable_audit'),
  listAppOperations: holding('enable_audit'),
  listModuleAuthorizations: holding('enable_audit'),
  listResourceAuthorizations: holding('enable_audit'),
  listAuditRecords: holding('enable_audit'),
  getAuditRecord: holdingOn('record', 'enable_audit'),
  verifyAuditChain: holding('enable_audit'),
  exportAuditRecords: holding('export_audit'),
};
