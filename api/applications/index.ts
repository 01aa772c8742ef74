import type { Endpoint } from '../endpoint.ts';
import { applicationEndpoints } from './applications.ts';
import { deleteApplication } from './delete.ts';
import { instanceEndpoints } from './instances.ts';

/** Applications, their instances and relations. */
export const applicationAreaEndpoints: readonly Endpoint[] = [
  ...applicationEndpoints,
  deleteApplication,
  ...instanceEndpoints,
];
