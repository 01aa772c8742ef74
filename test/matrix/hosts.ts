import type { Kind } from './estate.ts';
import type { HostPermission } from '../../db/access/permission-catalogue.ts';
import type { HostStatus } from '../../workflows/hosts/contract.ts';
import { anybody, everywhere, holding, holdingOn, seen, team, type Needs, type Rule, type Table } from './rules.ts';

const view = (on: Kind = 'host') => seen(on, { host: ['view_host'] });
const hostTask = view('hostTask');
const tasksShown = [anybody(), seen('hostTask', { host: ['view_host'] }, { shows: 'id' })];

// Imports have no owner: users who may add hosts and see all of them see what was found.
const importer: Needs = { system: ['add_host', 'view_host'] };
const ofImport = everywhere(importer, { on: 'hostImport' });
// The task is an initialisation, so as a task of another kind it is a 404 for every caller.
const notOfThisKind: Rule = { ...view('hostTask'), expected: () => 'hidden' };
const batch = team(
  'host',
  { host: ['restart_host'] },
  { path: () => ({}), carriedOut: true, body: ({ host }) => [{ host_id: host }] },
);
const goes = (status: HostStatus, name: HostPermission): Rule =>
  team('host', { host: [name] }, { body: () => ({ status }) });
const packages = (more: Partial<Rule>): Rule =>
  everywhere(
    { system: ['create_resource_req'] },
    { without: { system: ['create_resource_req', 'approve_host_req'] }, ...more },
  );

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
  listStartTasks: anybody(),
  getStartTask: notOfThisKind,
  listStopTasks: anybody(),
  getStopTask: notOfThisKind,
  listRestartTasks: anybody(),
  getRestartTask: notOfThisKind,
  startHost: team('host', { host: ['restart_host'] }),
  stopHost: team('host', { host: ['restart_host'] }),
  restartHost: team('host', { host: ['restart_host'] }),
  createStartTask: batch,
  createStopTask: batch,
  createRestartTask: batch,
  changeHostStatus: [goes('inited', 'init_host'), goes('attached', 'edit_host'), goes('offline', 'deactivate_host')],
  changeHostZabbixOpts: team('host', { host: ['edit_host'] }),
  admitHost: holdingOn('host', 'manage_host'),
  getHostTaskOutput: hostTask,
  // The task of the estate is an initialisation: who could have begun it may cancel it, and who did.
  cancelHostTask: [
    team('hostTask', { host: ['init_host'] }),
    team('hostTask', { host: ['view_host'] }, { maker: true, reader: 'refused', without: { host: ['init_host'] } }),
  ],
  listShippedPackages: packages({}),
  createShippedPackage: holding('approve_host_req'),
  getShippedPackage: packages({ on: 'shippedPackage' }),
  changeShippedPackage: holdingOn('shippedPackage', 'approve_host_req', { body: () => ({ description: 'd' }) }),
  deleteShippedPackage: holdingOn('shippedPackage', 'approve_host_req'),
};

function hostsOf({ host }: { host: number }) {
  return { hosts: [{ id: host }], opts: {} };
}
