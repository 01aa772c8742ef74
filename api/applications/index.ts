import type { Endpoint } from '../endpoint.ts';
import { applicationEndpoints } from './applications.ts';
import { deleteApplication } from './delete.ts';
import { getInstanceLog } from './instance-log.ts';
import { instanceEndpoints } from './instances.ts';
import { relationEndpoints } from './relations.ts';
import { responsePersonEndpoints } from './response-persons.ts';

/** Applications, their instances and relations. */
export const applicationAreaEndpoints: readonly Endpoint[] = [
  ...applicationEndpoints,
  deleteApplication,
  ...instanceEndpoints,
  getInstanceLog,
  ...relationEndpoints,
  ...responsePersonEndpoints,
];
