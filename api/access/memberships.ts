import { selectRoles } from '../../db/access/roles.ts';
import { change } from '../operations/change.ts';
import { idEntries } from '../operations/list-bodies.ts';
import { list } from '../operations/list.ts';
import { anyOf, system } from '../operations/permissions.ts';
import { done, success } from '../operations/schemas.ts';
import { addMembers, assignRoles, removeMembers, removeRoles } from './role-assignment.ts';
import { presentRoles, roleObject } from './roles.ts';
import { mustFind, self } from './users.ts';

const roles = idEntries();
const users = idEntries(1000);
const idsOf = (entries: readonly { id: number }[]): number[] => entries.map(({ id }) => id);
const problems = ['no_such', 'no_right_to_grant'] as const;

const listRolesOfUser = list({
  path: '/users/{id}/roles/',
  id: 'listUserRoles',
  area: 'access',
  summary: 'Roles of a user',
  permission: anyOf(self, system('view_user')),
  item: roleObject,
  async query({ params }, { db }) {
    await mustFind(db, params.id);
    return selectRoles(db).where('roles.id', 'in', (eb) =>
      eb.selectFrom('userRoles').where('userId', '=', params.id).select('roleId'),
    );
  },
  order: { oldest: 'roles.id' },
  present: presentRoles,
});

const assign = change({
  method: 'post',
  path: '/users/{id}/roles/',
  id: 'assignRoles',
  area: 'access',
  summary: 'Assign roles to a user',
  permission: system('manage_role'),
  body: roles,
  returns: success,
  problems,
  async handle({ params, body }, ctx) {
    await assignRoles(ctx, params.id, idsOf(body));
    return done;
  },
});

const unassign = change({
  method: 'delete',
  path: '/users/{id}/roles/',
  id: 'unassignRoles',
  area: 'access',
  summary: 'Take roles from a user',
  permission: system('manage_role'),
  body: roles,
  returns: success,
  problems: [...problems, 'last_administrator'],
  async handle({ params, body }, ctx) {
    await removeRoles(ctx, params.id, idsOf(body));
    return done;
  },
});

const add = change({
  method: 'post',
  path: '/roles/{id}/users/',
  id: 'addRoleUsers',
  area: 'access',
  summary: 'Add users to a role',
  permission: system('manage_role'),
  body: users,
  returns: success,
  problems,
  async handle({ params, body }, ctx) {
    await addMembers(ctx, params.id, idsOf(body));
    return done;
  },
});

const remove = change({
  method: 'delete',
  path: '/roles/{id}/users/',
  id: 'removeRoleUsers',
  area: 'access',
  summary: 'Remove users from a role',
  permission: system('manage_role'),
  body: users,
  returns: success,
  problems: [...problems, 'last_administrator'],
  async handle({ params, body }, ctx) {
    await removeMembers(ctx, params.id, idsOf(body));
    return done;
  },
});

export const membershipEndpoints = [listRolesOfUser, assign, unassign, add, remove];
