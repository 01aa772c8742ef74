import { createInstanceActivities } from './applications/activities.ts';
import type { ActivityDeps } from './deps.ts';
import { createDeployActivities } from './deploy/host-activities.ts';
import { createDeployRecordActivities } from './deploy/record-activities.ts';
import { createImportActivities } from './host-imports/activities.ts';
import { createMaintenanceActivities } from './maintenance/activities.ts';
import { createHostActivities } from './hosts/activities.ts';
import { createResourceRecordActivities } from './requests/activities.ts';

/** Activities by name; each takes one object. */
export type Activities = Record<string, (input: never) => Promise<unknown>>;

/** Merges the activities of all areas; throws on a duplicate name. */
export function createActivities(deps: ActivityDeps): Activities {
  const areas = [
    createDeployRecordActivities(deps),
    createDeployActivities(deps),
    createInstanceActivities(deps),
    createHostActivities(deps),
    createMaintenanceActivities(deps),
    createImportActivities(deps),
    createResourceRecordActivities(deps),
  ];
  const all: Activities = {};
  for (const [name, activity] of areas.flatMap((area) => Object.entries(area) as [string, Activities[string]][])) {
    if (name in all) throw new Error(`two areas define the activity ${name}`);
    all[name] = activity;
  }
  return all;
}
