import { access } from './access.ts';
import { approvals } from './approvals.ts';
import { deploy } from './deploy.ts';
import { hostImports } from './host-imports.ts';
import { hosts } from './hosts.ts';
import { inventory } from './inventory.ts';
import { requests } from './requests.ts';
import type { Trials } from './stage.ts';
import { templates } from './templates.ts';

/** A trial for every operation that changes something, by its id. An area adds its table here. */
export const trials: Trials = {
  ...access,
  ...approvals,
  ...inventory,
  ...hosts,
  ...hostImports,
  ...deploy,
  ...templates,
  ...requests,
};
