import { anybody, everywhere, holding, holdingOn, members, personal, team, type Rule, type Table } from './rules.ts';

const roles = (o: { role: number }) => [{ id: o.role }];
const users = (o: { user: number }) => [{ id: o.user }];
const password = () => ({ new_password: 'correct horse battery' });
const byUser = (_object: object, home: { user: number }) => ({ id: home.user });
const byRole = (_object: object, home: { role: number }) => ({ id: home.role });

const selfOrHolder = (system: 'view_user' | 'manage_user', more = {}): Rule =>
  personal('user', { system: [system] }, 'refused', { owner: 'in', admin: 'in', ...more });
const memberOrHolder = (): Rule[] => [members(), holdingOn('role', 'view_user')];

const ofObjects = (scope: 'application' | 'host'): Table => {
  const needs = scope === 'application' ? { application: ['edit_app'] as const } : { host: ['edit_host'] as const };
  const title = scope === 'application' ? 'Application' : 'Host';
  const entries = (o: { application: number; host: number }) => ({
    authorizations: [{ id: o[scope], permission: {} }],
  });
  return {
    [`grant${title}ToUser`]: team(scope, needs, { path: byUser, body: entries }),
    [`grant${title}ToRole`]: team(scope, needs, { path: byRole, body: entries }),
    [`list${title}GrantsOfUser`]: selfOrHolder('view_user'),
    [`list${title}GrantsOfRole`]: memberOrHolder(),
    [`listUsersAuthorizedOn${title}`]: team(scope, needs),
    [`listRolesAuthorizedOn${title}`]: team(scope, needs),
    [`changeUsersAuthorizedOn${title}`]: team(scope, needs),
    [`changeRolesAuthorizedOn${title}`]: team(scope, needs),
  };
};

const ownToken = personal('token', {}, 'hidden', { admin: 'in' });

/** Users, roles, grants, tokens, login. */
export const access: Table = {
  login: 'open',
  loginWithCode: 'open',
  forgetPassword: 'open',
  forgetPasswordOf: 'open',
  resetPassword: 'open',
  confirmEmail: 'open',
  // Tokens have no session to end.
  logout: everywhere({}, { owner: 'refused', admin: 'refused' }),
  getMe: anybody(),
  listUsers: anybody(),
  createUser: holding('manage_user'),
  getUser: selfOrHolder('view_user'),
  changeUser: selfOrHolder('manage_user'),
  disableUser: holdingOn('user', 'manage_user'),
  enableUser: holdingOn('user', 'manage_user'),
  changePassword: personal('user', {}, 'refused'),
  setPassword: everywhere({}, { on: 'user', owner: 'refused', body: password }),
  listUserRoles: selfOrHolder('view_user'),
  assignRoles: holdingOn('user', 'manage_role', { body: (_, home) => roles(home) }),
  unassignRoles: holdingOn('user', 'manage_role', { body: (_, home) => roles(home) }),
  addRoleUsers: holdingOn('role', 'manage_role', { body: (_, home) => users(home) }),
  removeRoleUsers: holdingOn('role', 'manage_role', { body: (_, home) => users(home) }),
  listRoles: anybody(),
  createRole: holding('manage_role'),
  getRole: anybody({ on: 'role' }),
  changeRole: holdingOn('role', 'manage_role'),
  deleteRole: holdingOn('role', 'manage_role'),
  listRoleUsers: holdingOn('role', 'view_user'),
  ...ofObjects('application'),
  ...ofObjects('host'),
  grantSystemToUser: holdingOn('user', 'manage_user', { body: () => [] }),
  grantSystemToRole: holdingOn('role', 'manage_role', { body: () => [] }),
  listSystemGrantsOfUser: selfOrHolder('view_user'),
  listSystemGrantsOfRole: memberOrHolder(),
  listAuthTokens: [anybody(), personal('token', {}, 'hidden', { admin: 'in', shows: 'id' })],
  createAuthToken: anybody(),
  getAuthToken: ownToken,
  changeAuthToken: ownToken,
  deleteAuthToken: ownToken,
  getSecondFactor: anybody(),
  enrolSecondFactor: anybody(),
  confirmSecondFactor: anybody(),
  renewRecoveryCodes: anybody(),
  removeSecondFactor: anybody(),
  resetSecondFactor: everywhere({}, { on: 'user', owner: 'refused' }),
  listSessions: [anybody(), personal('session', {}, 'hidden', { shows: 'id' })],
  deleteSession: personal('session', {}, 'hidden'),
  endOtherSessions: anybody(),
  endUserSessions: holdingOn('user', 'manage_user'),
  endEverybodysSessions: everywhere({}, { owner: 'refused' }),
};
