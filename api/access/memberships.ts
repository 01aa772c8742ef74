import { selectRoles } from '../../db/access/roles.ts';
import { list } from '../operations/list.ts';
import { memberChanges } from '../operations/member-changes.ts';
import { anyOf, system } from '../operations/permissions.ts';
import { addMembers, assignRoles, removeMembers, removeRoles } from './role-assignment.ts';
import { presentRoles, roleObject } from './roles.ts';
import { mustFind, self } from './users.ts';

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

const rolesOfUser = memberChanges({
  path: '/users/{id}/roles/',
  area: 'access',
  permission: system('manage_role'),
  add: { id: 'assignRoles', summary: 'Assign roles to a user', problems, run: assignRoles },
  remove: {
    id: 'unassignRoles',
    summary: 'Take roles from a user',
    problems: [...problems, 'last_administrator'],
    run: removeRoles,
  },
});

const usersOfRole = memberChanges({
  path: '/roles/{id}/users/',
  area: 'access',
  permission: system('manage_role'),
  most: 1000,
  add: { id: 'addRoleUsers', summary: 'Add users to a role', problems, run: addMembers },
  remove: {
    id: 'removeRoleUsers',
    summary: 'Remove users from a role',
    problems: [...problems, 'last_administrator'],
    run: removeMembers,
  },
});

export const membershipEndpoints = [listRolesOfUser, ...rolesOfUser, ...usersOfRole];
