import type { Endpoint } from '../operations/endpoint.ts';
import { productionApplicationEndpoints } from './applications.ts';
import { productionEndpoints } from './productions.ts';

/** Productions and the applications in them. */
export const productionAreaEndpoints: readonly Endpoint[] = [...productionEndpoints, ...productionApplicationEndpoints];
