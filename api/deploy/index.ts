import { actionEndpoints } from './actions.ts';
import { credentialEndpoints } from './credentials.ts';
import { freezeEndpoints } from './freezes.ts';
import { outputEndpoints } from './output.ts';
import { scriptEndpoints } from './scripts.ts';
import { settingsEndpoints } from './settings.ts';
import { subTaskEndpoints } from './sub-tasks.ts';
import { taskEndpoints } from './tasks.ts';
import { templateEndpoints } from './templates.ts';

export const deployEndpoints = [
  ...taskEndpoints,
  ...actionEndpoints,
  ...subTaskEndpoints,
  ...outputEndpoints,
  ...freezeEndpoints,
  ...scriptEndpoints,
  ...templateEndpoints,
  ...settingsEndpoints,
  ...credentialEndpoints,
];
