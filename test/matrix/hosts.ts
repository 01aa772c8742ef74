import type { Kind } from './estate.ts';
import { anybody, holding, seen, team, type Table } from './rules.ts';

const view = (on: Kind = 'host') => seen(on, { host: ['view_host'] });
const hostTask = view('hostTask');
const tasksShown = [anybody(), seen('hostTask', { host: ['view_host'] }, { shows: 'id' })];

/** Hosts and their tasks. */
export const hosts: Table = {
  listHosts: [anybody(), seen('host', { host: ['view_host'] }, { shows: 'id' })],
  createHost: holding('add_host'),
  getHost: view(),
  changeHost: team('host', { host: ['edit_host'] }),
  deleteHost: team('host', { host: ['delete_host'] }),
  listHostApplications: view(),
  // The host is attached, which no task takes: the permission is decided before.
  createInitTask: team('host', { host: ['init_host'] }, { path: () => ({}), carriedOut: true, body: hostsOf }),
  listHostTasks: tasksShown,
  getHostTask: hostTask,
  listInitTasks: tasksShown,
  getInitTask: hostTask,
};

function hostsOf({ host }: { host: number }) {
  return { hosts: [{ id: host }], opts: {} };
}
