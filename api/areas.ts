import { accessEndpoints } from './access/index.ts';
import { applicationAreaEndpoints } from './applications/index.ts';
import { approvalEndpoints } from './approvals/index.ts';
import { auditEndpoints } from './audit/index.ts';
import { deployEndpoints } from './deploy/index.ts';
import type { Endpoint } from './operations/endpoint.ts';
import { hostImportEndpoints } from './host-imports/index.ts';
import { hostAreaEndpoints } from './hosts/index.ts';
import { navigatorEndpoints } from './navigators/index.ts';
import { productionAreaEndpoints } from './productions/index.ts';
import { requestEndpoints } from './requests/index.ts';

/** Every operation of the API; an area adds its list here. */
export const endpoints: readonly Endpoint[] = [
  ...accessEndpoints,
  ...applicationAreaEndpoints,
  ...productionAreaEndpoints,
  ...hostAreaEndpoints,
  ...hostImportEndpoints,
  ...deployEndpoints,
  ...approvalEndpoints,
  ...auditEndpoints,
  ...navigatorEndpoints,
  ...requestEndpoints,
];
