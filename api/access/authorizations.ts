// `/applications|hosts/{id}/authorization/users|roles/`: the same grants, seen from the object.
import { z } from 'zod';
import { granteesOn } from '../../db/access/grantees.ts';
import { directGrants, grantsOn, type Grantee } from '../../db/access/grants.ts';
import { scopes, type Scope } from '../../db/access/rights.ts';
import { invalidField } from '../../workflows/problems/problem.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx } from '../operations/context.ts';
import type { Endpoint } from '../operations/endpoint.ts';
import { list } from '../operations/list.ts';
import { application, host } from '../operations/permissions.ts';
import { asFlags, done, id, success } from '../operations/schemas.ts';
import { granteeOf, grantOnObjects } from './granting.ts';
import { msg } from '../../kit/messages/message.ts';

const nameFields = { user: 'username', role: 'name' } as const;
const titles = { user: 'User', role: 'Role', application: 'Application', host: 'Host' } as const;
const flags = z.record(z.string(), z.boolean());

const path = (scope: Scope, kind: Grantee['kind']) => `/${scope}s/{id}/authorization/${kind}s/` as const;
const permissionOf = (scope: Scope) => (scope === 'application' ? application('edit_app') : host('edit_host'));

function authorized(scope: Scope, kind: Grantee['kind']): Endpoint {
  const nameField = nameFields[kind];
  return list({
    path: path(scope, kind),
    id: `list${titles[kind]}sAuthorizedOn${titles[scope]}`,
    area: 'access',
    summary: `${titles[kind]}s authorised on one of the ${scope}s`,
    permission: permissionOf(scope),
    item: z.object({ [kind]: z.object({ id: z.int(), [nameField]: z.string() }), permission: flags }),
    query: ({ params }, { db }) => granteesOn(db, scope, kind, params.id),
    order: { oldest: 'grantees.id' },
    async present(rows: { id: number; name: string }[], { db }, { params }) {
      const ids = rows.map((row) => row.id);
      const granted = await grantsOn(db, kind, scope, params.id, ids);
      return rows.map((row) => ({
        [kind]: { id: row.id, [nameField]: row.name },
        permission: asFlags(scopes[scope].permissions, granted.get(row.id)),
      }));
    },
  });
}

const entry = {
  permission: flags.optional(),
  action: z.enum(['update', 'delete']).default('update'),
};
const bodies = {
  user: z.array(z.object({ user: z.object({ id, username: z.string().optional() }), ...entry })).max(1000),
  role: z.array(z.object({ role: z.object({ id, name: z.string().optional() }), ...entry })).max(1000),
};

interface Entry {
  grantee: { id: number; name: string | undefined };
  permission: Record<string, boolean> | undefined;
  action: 'update' | 'delete';
}

function authorize(scope: Scope, kind: Grantee['kind']): Endpoint {
  return change({
    method: 'patch',
    path: path(scope, kind),
    id: `change${titles[kind]}sAuthorizedOn${titles[scope]}`,
    area: 'access',
    summary: `Change what ${kind}s may do on one of the ${scope}s`,
    description: 'The action delete revokes all direct grants; each permission changed must be held by the caller.',
    permission: permissionOf(scope),
    body: bodies[kind],
    returns: success,
    problems: ['undefined_permission', 'no_right_to_grant', 'no_such', 'builtin_role'],
    async handle({ params, body }, ctx) {
      const entries = body.map((one): Entry => {
        const { id: granteeId, ...named } = 'user' in one ? one.user : one.role;
        const name = 'username' in named ? named.username : 'name' in named ? named.name : undefined;
        return { grantee: { id: granteeId, name }, permission: one.permission, action: one.action };
      });
      const ids = entries.map((one) => one.grantee.id);
      const twice = ids.findIndex((one, index) => ids.indexOf(one) !== index);
      if (twice >= 0) throw invalidField(`${twice}.${kind}.id`, msg('is_there_twice'));
      for (const [index, one] of entries.entries()) await changeOne(ctx, scope, kind, params.id, one, index);
      return done;
    },
  });
}

async function changeOne(
  ctx: ChangeCtx,
  scope: Scope,
  kind: Grantee['kind'],
  objectId: number,
  { grantee: { id: granteeId, name }, permission, action }: Entry,
  index: number,
): Promise<void> {
  const grantee = await granteeOf({ db: ctx.tx }, kind, granteeId);
  if (name !== undefined && name !== grantee.name)
    throw invalidField(`${index}.${kind}.${nameFields[kind]}`, msg('is_not_the_name_of', { thing: kind }));
  if (action === 'update' && !permission) throw invalidField(`${index}.permission`, msg('is_needed_to_update'));
  const all = await directGrants(ctx.tx, grantee, scope, [objectId]);
  const taken = Object.fromEntries([...(all.get(objectId) ?? [])].map((one) => [one, false]));
  const wanted = action === 'delete' ? taken : (permission ?? {});
  await grantOnObjects(ctx, grantee, scope, [{ id: objectId, permission: wanted }]);
}

export const authorizationEndpoints = (['application', 'host'] as const).flatMap((scope) =>
  (['user', 'role'] as const).flatMap((kind) => [authorized(scope, kind), authorize(scope, kind)]),
);
