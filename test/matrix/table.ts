import { access } from './access.ts';
import { approvals } from './approvals.ts';
import { audit } from './audit.ts';
import { deploy } from './deploy.ts';
import { hosts } from './hosts.ts';
import { inventory } from './inventory.ts';
import { requests } from './requests.ts';
import type { Table } from './rules.ts';
import { tools } from './tools.ts';

/** Who may do what: a rule or several for every operation, by its id. An area adds its table here. */
export const table: Table = {
  ...access,
  ...inventory,
  ...hosts,
  ...deploy,
  ...approvals,
  ...audit,
  ...tools,
  ...requests,
};
