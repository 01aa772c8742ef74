import type { ApplicationPermission } from '../../db/access/catalogue.ts';
import { anybody, everywhere, holding, personal, seen, team, type Rule, type Table } from './rules.ts';

const on = (...application: ApplicationPermission[]) => ({ application });
const view = seen('deployTask', on('view_app'));
const review = team('deployTask', on('review_app_deploy_task'));
// What only the one who made the task may do, whatever others hold: administrators too.
const ownersOnly = team('deployTask', on('deploy_app'), { maker: true, without: {}, admin: 'refused' });
const withoutDeploy = team('deployTask', on('view_app'), {
  ...{ maker: true, owner: 'refused', admin: 'refused' },
});
const output = (name: ApplicationPermission): Rule =>
  team('upgrade', on(name), { without: on('view_app_log', 'deploy_app', 'review_app_deploy_task') });

const manages = 'enable_deploy_template_mgmt';
/** Somebody who may deploy some application, wherever that is. */
const templateUsers = (more: Partial<Rule>): Rule =>
  everywhere(on('deploy_app'), { without: on('deploy_app', 'edit_app'), stranger: 'in', ...more });
const ownScript: Rule = {
  ...everywhere({ system: [manages] }, { on: 'script', maker: true }),
  expected(caller, place) {
    if (caller === 'stranger' || caller === 'reader') return 'refused';
    if (place === 'absent') return 'hidden';
    return place === 'own' || caller === 'admin' ? 'in' : 'refused';
  },
};

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

/** Deploy tasks, scripts, settings, repository credentials. */
export const deploy: Table = {
  listDeployTasks: [anybody(), seen('deployTask', on('view_app'), { shows: 'id' })],
  createDeployTask: team('application', on('deploy_app'), {
    path: () => ({}),
    body: (o) => ({ application_id: o.application }),
  }),
  getDeployTask: view,
  changeDeployTask: [ownersOnly, withoutDeploy],
  getDeployPlan: view,
  approveDeployTask: review,
  rejectDeployTask: review,
  startDeployTask: [ownersOnly, withoutDeploy],
  closeDeployTask: [review, team('deployTask', on('view_app'), { maker: true, without: on('review_app_deploy_task') })],
  delegateDeployTask: review,
  upgradeInstances: [ownersOnly, withoutDeploy],
  revertInstances: [ownersOnly, withoutDeploy],
  listSubUpgradeTasks: view,
  listSubRevertTasks: view,
  getSubUpgradeTask: seen('upgrade', on('view_app')),
  getSubRevertTask: seen('revert', on('view_app')),
  getSubTaskOutput: [output('view_app_log'), output('deploy_app'), output('review_app_deploy_task')],

  listDeployScripts: templateUsers({}),
  createDeployScript: holding(manages),
  getDeployScript: templateUsers({ on: 'script' }),
  changeDeployScript: ownScript,
  deleteDeployScript: ownScript,
  listScriptApplications: templateUsers({ on: 'script' }),
  getDeploySettings: seen('application', on('view_app')),
  changeDeploySettings: team('application', on('edit_app')),
  ...credentials('password', 'PasswordCredential'),
  ...credentials('sshKey', 'SshKeyCredential'),
};
