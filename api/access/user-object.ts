import { z } from 'zod';
import { modules, type ModuleName, type SystemPermission } from '../../db/access/permission-catalogue.ts';
import { holds, type Subject } from '../../db/access/rights.ts';
import type { UserRow } from '../../db/access/users.ts';
import type { Ctx } from '../operations/context.ts';
import { actions, iso, time } from '../operations/schemas.ts';

/** Public fields of a user. */
export const userReference = z.object({ id: z.int(), username: z.string(), name: z.string() });

export const userObject = userReference.extend({
  email: z.string(),
  phone: z.string(),
  status: z.enum(['enabled', 'disabled']),
  roles: z.array(z.object({ id: z.int(), name: z.string() })),
  created_time: time,
  last_login_time: time.nullable(),
  available_actions: actions('edit', 'disable', 'enable', 'change_password', 'assign_roles'),
});

/** Whether the caller may administer a user: only administrators may administer administrators. */
export const mayManage = (subject: Subject, user: Pick<UserRow, 'isAdmin'>): boolean =>
  subject.isAdmin || (holds(subject, 'manage_user') && !user.isAdmin);

/** A user in API form, for this caller. */
export function presentUser(user: UserRow, { subject, actor }: Pick<Ctx, 'subject' | 'actor'>) {
  const self = user.id === actor.user.id;
  const manages = mayManage(subject, user);
  return {
    id: user.id,
    username: user.username,
    name: user.name,
    email: user.email,
    phone: user.phone,
    status: user.status,
    roles: user.roles,
    created_time: iso(user.createdTime),
    last_login_time: iso(user.lastLoginTime),
    available_actions: {
      edit: self || manages,
      disable: manages && user.status === 'enabled',
      enable: manages && user.status === 'disabled',
      change_password: self,
      assign_roles: holds(subject, 'manage_role'),
    },
  } satisfies z.input<typeof userObject>;
}

const permissionsOfModule = z.record(z.string(), z.boolean());
export const permissionsObject = z.record(z.string(), permissionsOfModule);

/** A boolean per permission, by module. */
export function permissionTable(has: (permission: SystemPermission) => boolean) {
  return Object.fromEntries(
    (Object.keys(modules) as ModuleName[]).map((name) => [
      name,
      Object.fromEntries(modules[name].permissions.map((permission) => [permission, has(permission)])),
    ]),
  );
}
