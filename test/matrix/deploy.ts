import type { ApplicationPermission } from '../../db/access/permission-catalogue.ts';
import { unique } from '../support/harness.ts';
import { anybody, everywhere, holding, personal, seen, team, type Rule, type Table } from './rules.ts';

const on = (...application: ApplicationPermission[]) => ({ application });
const view = seen('deployTask', on('view_app'));
const review = team('deployTask', on('review_app_deploy_task'));
// Operations reserved to the creator of the task, whatever permissions others hold: administrators too.
const ownersOnly = team('deployTask', on('deploy_app'), { maker: true, without: {}, admin: 'refused' });
const withoutDeploy = team('deployTask', on('view_app'), { maker: true, owner: 'refused', admin: 'refused' });
const output = (name: ApplicationPermission): Rule =>
  team('upgrade', on(name), { without: on('view_app_log', 'deploy_app', 'review_app_deploy_task') });

const manages = 'enable_deploy_template_mgmt';
/** A user who may deploy any application. */
const templateUsers = (more: Partial<Rule>): Rule =>
  everywhere(on('deploy_app'), { without: on('deploy_app', 'edit_app'), stranger: 'in', ...more });
const own = (on: 'script' | 'template'): Rule => ({
  ...everywhere({ system: [manages] }, { on, maker: true }),
  expected(caller, place) {
    if (caller === 'stranger' || caller === 'reader') return 'refused';
    if (place === 'absent') return 'hidden';
    return place === 'own' || caller === 'admin' ? 'in' : 'refused';
  },
});
// Of applications in a body: a manager who holds everything on them but `edit_app`.
const withApplications = (
  caller: 'createDeployTemplate' | 'changeDeployTemplate',
  needs: ApplicationPermission,
  owner: 'in' | 'refused',
): Rule => ({
  needs: { application: [needs], system: [manages] },
  without: { system: [manages] },
  carriedOut: true,
  on: 'application',
  path: (_object, home) => ({ id: home.template }),
  maker: true,
  body: (o) => ({
    applications: [o.application],
    ...(caller === 'createDeployTemplate' && { name: `t-${unique()}`, repository: null, deploy_path: '/srv/t' }),
  }),
  expected(caller_, place) {
    if (caller_ === 'stranger' || caller_ === 'reader') return 'refused';
    if (place === 'absent') return 'hidden';
    if (caller_ === 'admin') return 'in';
    return place === 'own' ? owner : 'hidden';
  },
});

const credentials = (kind: 'password' | 'sshKey', name: string): Table => {
  const one: Rule = {
    ...personal(kind, on('deploy_app'), 'hidden', { without: on('deploy_app', 'edit_app') }),
    expected: (caller, place) => (caller === 'reader' ? 'refused' : place === 'own' ? 'in' : 'hidden'),
  };
  return {
    [`list${name}s`]: [templateUsers({}), { ...one, shows: 'id' }],
    [`create${name}`]: templateUsers({}),
    [`get${name}`]: one,
    [`change${name}`]: one,
    [`delete${name}`]: one,
  };
};

/** Deploy tasks, scripts, templates, settings, repository credentials. */
export const deploy: Table = {
  listDeployTasks: [anybody(), seen('deployTask', on('view_app'), { shows: 'id' })],
  createDeployTask: team('application', on('deploy_app'), {
    path: () => ({}),
    body: (o) => ({ application_id: o.application }),
  }),
  getDeployTask: view,
  changeDeployTask: [ownersOnly, withoutDeploy],
  getDeployPlan: view,
  explainDeployTask: view,
  approveDeployTask: review,
  rejectDeployTask: review,
  startDeployTask: [ownersOnly, withoutDeploy],
  pauseDeployTask: [ownersOnly, withoutDeploy],
  resumeDeployTask: [ownersOnly, withoutDeploy],
  closeDeployTask: [review, team('deployTask', on('view_app'), { maker: true, without: on('review_app_deploy_task') })],
  delegateDeployTask: review,
  upgradeInstances: [ownersOnly, withoutDeploy],
  revertInstances: [ownersOnly, withoutDeploy],
  retryFailedInstances: [
    team('upgrade', on('deploy_app'), { maker: true, without: {}, admin: 'refused' }),
    team('upgrade', on('view_app'), { maker: true, owner: 'refused', admin: 'refused' }),
  ],
  listSubUpgradeTasks: view,
  listSubRevertTasks: view,
  getSubUpgradeTask: seen('upgrade', on('view_app')),
  getSubRevertTask: seen('revert', on('view_app')),
  getSubTaskOutput: [output('view_app_log'), output('deploy_app'), output('review_app_deploy_task')],

  listDeployFreezes: [anybody(), seen('freeze', on('view_app'), { shows: 'id' })],
  createDeployFreeze: [
    team('application', on('review_app_deploy_task'), {
      path: () => ({}),
      body: (o) => ({ application: o.application }),
    }),
    everywhere({}, { owner: 'refused', body: () => ({}) }),
    everywhere({}, { owner: 'refused', body: (o) => ({ application: o.application, production: o.production }) }),
  ],
  getDeployFreeze: seen('freeze', on('view_app')),
  changeDeployFreeze: team('freeze', on('review_app_deploy_task')),
  deleteDeployFreeze: team('freeze', on('review_app_deploy_task')),

  listDeployScripts: templateUsers({}),
  createDeployScript: holding(manages),
  getDeployScript: templateUsers({ on: 'script' }),
  changeDeployScript: own('script'),
  deleteDeployScript: own('script'),
  listScriptApplications: templateUsers({ on: 'script' }),
  listDeployTemplates: templateUsers({}),
  createDeployTemplate: [
    holding(manages),
    withApplications('createDeployTemplate', 'edit_app', 'in'),
    withApplications('createDeployTemplate', 'view_app', 'refused'),
  ],
  getDeployTemplate: templateUsers({ on: 'template' }),
  changeDeployTemplate: [
    own('template'),
    withApplications('changeDeployTemplate', 'edit_app', 'in'),
    withApplications('changeDeployTemplate', 'view_app', 'refused'),
  ],
  deleteDeployTemplate: own('template'),
  linkDeployTemplate: team('application', on('edit_app')),
  unlinkDeployTemplate: team('application', on('edit_app')),
  getDeploySettings: seen('application', on('view_app')),
  changeDeploySettings: team('application', on('edit_app')),
  ...credentials('password', 'PasswordCredential'),
  ...credentials('sshKey', 'SshKeyCredential'),
};
