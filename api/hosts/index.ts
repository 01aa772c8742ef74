import type { Endpoint } from '../operations/endpoint.ts';
import { admitHost } from './admit.ts';
import { cancelTask } from './cancel.ts';
import { hostEndpoints } from './hosts.ts';
import { initHosts } from './init.ts';
import { packageEndpoints } from './packages.ts';
import { powerEndpoints } from './power.ts';
import { changeStatus } from './status.ts';
import { hostTaskEndpoints } from './tasks.ts';
import { changeZabbixOpts } from './zabbix-opts.ts';

/** Hosts, their tasks, and what is shipped to them. */
export const hostAreaEndpoints: readonly Endpoint[] = [
  ...hostEndpoints,
  admitHost,
  initHosts,
  ...powerEndpoints,
  changeStatus,
  changeZabbixOpts,
  ...hostTaskEndpoints,
  cancelTask,
  ...packageEndpoints,
];
