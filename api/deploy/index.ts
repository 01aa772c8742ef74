import { actionEndpoints } from './actions.ts';
import { outputEndpoints } from './output.ts';
import { subTaskEndpoints } from './sub-tasks.ts';
import { taskEndpoints } from './tasks.ts';

export const deployEndpoints = [...taskEndpoints, ...actionEndpoints, ...subTaskEndpoints, ...outputEndpoints];
