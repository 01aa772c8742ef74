import { anybody, holding, personal, seen, team, type Rule, type Table } from './rules.ts';

const app = (...application: ('view_app' | 'edit_app' | 'delete_app')[]) => ({ application });
const view = seen('application', app('view_app'));
const edit = team('application', app('edit_app'));
const entry = (name: 'child' | 'application') => (o: Record<typeof name, number>) => [{ id: o[name] }];
const home = (_object: object, { application: id }: { application: number }) => ({ id });
const line = (_object: object, { production: id }: { production: number }) => ({ id });

// The other object of an operation on an application: here it is the one that varies.
const alsoOn = (on: 'application' | 'host', needs: Rule['needs'], more: Partial<Rule>): Rule =>
  team(on, needs, { path: home, carriedOut: true, ...more });

// A caller who lacks it on the first application is refused there.
const child: Rule = {
  ...alsoOn('application', app('edit_app'), { body: entry('child') }),
  expected: (caller, place) => (caller === 'reader' ? 'refused' : edit.expected(caller, place)),
};

const ownLine = team('production', app('view_app'), { maker: true, without: {} });

const lineOf = (name: 'child' | 'application') =>
  ({ maker: true, without: {}, path: line, carriedOut: true, body: entry(name) }) as const;

/** The creator of the line sees their team's applications and may not change them; the reader is refused at the line. */
const lacksOnEach: Rule['expected'] = (caller, place) => {
  if (caller === 'reader') return 'refused';
  if (caller === 'admin') return place === 'own' ? 'in' : 'hidden';
  return (place === 'own') === (caller === 'owner') && place !== 'absent' ? 'refused' : 'hidden';
};

/** The same; administrators may add what is in no line. */
const addsOnEach: Rule['expected'] = (caller, place) =>
  caller === 'admin' && place !== 'absent' ? 'in' : lacksOnEach(caller, place);

/** Any production: a caller without permissions sees none, one with every other permission sees all. */
const anyLine = (system: 'add_business' | 'delete_business'): Rule => ({
  on: 'production',
  needs: { system: [system] },
  expected: (caller, place) =>
    caller === 'stranger' || place === 'absent' ? 'hidden' : caller === 'reader' ? 'refused' : 'in',
});

const restart = { application: ['restart_app'] } as const;
const restartOne = team('instance', restart);
const restartSeveral = team('application', restart);
const ofTask = (name: 'view_app_log' | 'restart_app'): Rule =>
  team('instanceTask', { application: [name] }, { without: { application: ['view_app_log', 'restart_app'] } });

/** Applications and productions. */
export const inventory: Table = {
  listApplications: [anybody(), seen('application', app('view_app'), { shows: 'id' })],
  createApplication: holding('create_app'),
  getApplication: view,
  changeApplication: edit,
  getApplicationsByUsers: personal('user', { system: ['view_user'] }, 'refused', {
    owner: 'in',
    admin: 'in',
    carriedOut: true,
    body: (o) => [{ id: o.user }],
  }),
  confirmApplicationCommands: team('application', { application: ['review_app_deploy_task'] }),
  deleteApplication: team('application', app('delete_app')),
  listInstances: view,
  getInstanceLog: team('instance', { application: ['view_app_log'] }, { carriedOut: true }),
  getInstance: seen('instance', app('view_app')),
  addInstances: [
    edit,
    alsoOn(
      'host',
      { application: ['edit_app'], host: ['edit_host'] },
      { without: { host: ['edit_host'] }, body: (o) => [{ hostid: o.host }] },
    ),
  ],
  removeInstances: edit,
  startInstance: restartOne,
  stopInstance: restartOne,
  restartInstance: restartOne,
  startInstances: restartSeveral,
  stopInstances: restartSeveral,
  restartInstances: restartSeveral,
  listInstanceTasks: view,
  getInstanceTask: seen('instanceTask', app('view_app')),
  getInstanceTaskOutput: [ofTask('view_app_log'), ofTask('restart_app')],
  listChildApps: view,
  addChildApps: [edit, child],
  removeChildApps: edit,
  listRequiredApps: view,
  addRequiredApps: [edit, child],
  removeRequiredApps: edit,
  listRequiredByApps: view,
  listResponsePersons: view,
  addResponsePersons: edit,
  removeResponsePersons: edit,

  listProductions: [anybody(), seen('production', app('view_app'), { shows: 'id' })],
  createProduction: holding('add_business'),
  getProduction: seen('production', app('view_app')),
  changeProduction: [ownLine, anyLine('add_business')],
  deleteProduction: [ownLine, anyLine('delete_business')],
  listProductionApplications: seen('production', app('view_app')),
  addProductionApplications: [
    ownLine,
    { ...child, maker: true, path: line },
    // Who may change the production needs more on each application.
    { ...team('application', app('view_app'), lineOf('child')), expected: addsOnEach },
  ],
  removeProductionApplications: [
    ownLine,
    { ...team('application', app('view_app'), lineOf('application')), expected: lacksOnEach },
  ],
};
