import type { Endpoint } from '../operations/endpoint.ts';
import { applicationEndpoints } from './applications.ts';
import { confirmApplicationCommands } from './confirm-commands.ts';
import { deleteApplication } from './delete.ts';
import { instanceActionEndpoints } from './instance-actions.ts';
import { getInstanceLog } from './instance-log.ts';
import { instanceTaskEndpoints } from './instance-tasks.ts';
import { instanceEndpoints } from './instances.ts';
import { relationEndpoints } from './relations.ts';
import { responsePersonEndpoints } from './response-persons.ts';

/** Applications, their instances and relations. */
export const applicationAreaEndpoints: readonly Endpoint[] = [
  ...applicationEndpoints,
  deleteApplication,
  confirmApplicationCommands,
  ...instanceEndpoints,
  ...instanceActionEndpoints,
  ...instanceTaskEndpoints,
  getInstanceLog,
  ...relationEndpoints,
  ...responsePersonEndpoints,
];
