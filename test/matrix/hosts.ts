import type { Kind } from './estate.ts';
import { anybody, everywhere, holding, seen, team, type Needs, type Table } from './rules.ts';

const view = (on: Kind = 'host') => seen(on, { host: ['view_host'] });
const hostTask = view('hostTask');
const tasksShown = [anybody(), seen('hostTask', { host: ['view_host'] }, { shows: 'id' })];

// Imports belong to nobody: who may add hosts and see all of them sees what was found.
const importer: Needs = { system: ['add_host', 'view_host'] };
const ofImport = everywhere(importer, { on: 'hostImport' });

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
  importHosts: everywhere({}, { owner: 'refused' }),
  syncHosts: everywhere({}, { owner: 'refused' }),
  listHostImports: holding('add_host', 'view_host'),
  getHostImport: ofImport,
  listHostImportFindings: ofImport,
  adoptHostImport: everywhere(importer, { on: 'hostImport', body: () => ({ all: true }) }),
};

function hostsOf({ host }: { host: number }) {
  return { hosts: [{ id: host }], opts: {} };
}
