import type { Endpoint } from '../operations/endpoint.ts';
import { auditExportEndpoints } from './export.ts';
import { auditListEndpoints } from './lists.ts';
import { auditVerifyEndpoints } from './verify.ts';

/** The tamper-evident audit log. */
export const auditEndpoints: readonly Endpoint[] = [
  ...auditListEndpoints,
  ...auditVerifyEndpoints,
  ...auditExportEndpoints,
];
