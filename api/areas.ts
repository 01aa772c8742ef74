import { accessEndpoints } from './access/index.ts';
import { applicationAreaEndpoints } from './applications/index.ts';
import { deployEndpoints } from './deploy/index.ts';
import type { Endpoint } from './endpoint.ts';
import { hostAreaEndpoints } from './hosts/index.ts';

/** Every operation of the API; an area adds its list here. */
export const endpoints: readonly Endpoint[] = [
  ...accessEndpoints,
  ...applicationAreaEndpoints,
  ...hostAreaEndpoints,
  ...deployEndpoints,
];
