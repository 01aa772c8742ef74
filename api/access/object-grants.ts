// `/users|roles/{id}/application|host/perms/`: a grantee's permissions on objects. Four paths, the same two operations each.
import { z } from 'zod';
import { grantedDirectly, viewableObjects } from '../../db/access/grantees.ts';
import { directGrants, type Grantee } from '../../db/access/grants.ts';
import { actionsFor, loadSubject, scopes, visible, type Scope } from '../../db/access/rights.ts';
import { anywhere } from '../../db/core/ilike.ts';
import { invalidField } from '../../workflows/problems/problem.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx } from '../operations/context.ts';
import type { Endpoint } from '../operations/endpoint.ts';
import { list } from '../operations/list.ts';
import { anyOf, applications, hosts, notAllowed, permission, requestedId, system } from '../operations/permissions.ts';
import { asFlags, done, flag, id, success } from '../operations/schemas.ts';
import { objectNames } from '../../db/access/grant-audit.ts';
import { granteeOf, grantOnObjects } from './granting.ts';
import { self } from './users.ts';
import { msg } from '../../kit/messages/message.ts';

/** The user themselves, a member of the role, or a holder of `view_user`. */
export const readsGrants = (kind: Grantee['kind']) => anyOf(kind === 'user' ? self : member, system('view_user'));

const member = permission({
  names: ['member'],
  check: (request) =>
    Promise.resolve().then(() => {
      if (!request.ctx.subject.roleIds.includes(requestedId(request, 'id'))) throw notAllowed('member');
    }),
});

const nameFields = { application: 'app_name', host: 'hostname' } as const;
const titles = { application: 'Application', host: 'Host', user: 'User', role: 'Role' } as const;
const flags = z.record(z.string(), z.boolean());

function idsOfAuthorizations(body: unknown): unknown[] {
  const authorizations: unknown =
    typeof body === 'object' && body !== null && 'authorizations' in body ? body.authorizations : [];
  return Array.isArray(authorizations)
    ? authorizations.map((one: unknown) => (one as { id?: unknown } | null)?.id)
    : [];
}

/** Names sent along with objects must match those objects. */
async function demandNames(ctx: ChangeCtx, scope: Scope, given: readonly { id: number; name: string | undefined }[]) {
  const named = given.filter((one) => one.name !== undefined);
  const names = await objectNames(
    ctx.tx,
    scope,
    named.map((one) => one.id),
  );
  for (const [index, { id: objectId, name }] of given.entries())
    if (name !== undefined && names.get(objectId) !== name)
      throw invalidField(
        `authorizations.${index}.${nameFields[scope]}`,
        msg('is_not_the_name_of', { thing: 'object' }),
      );
}

interface Entry {
  id: number;
  permission: Record<string, boolean>;
  app_name?: string | undefined;
  hostname?: string | undefined;
}

function grant(kind: Grantee['kind'], scope: Scope): Endpoint {
  const nameField = nameFields[scope];
  const entry = z.object({ id, permission: flags, [nameField]: z.string().optional() }) as unknown as z.ZodType<Entry>;
  return change({
    method: 'post',
    path: `/${kind}s/{id}/${scope}/perms/`,
    id: `grant${titles[scope]}To${titles[kind]}`,
    area: 'access',
    summary: `Grant ${scope} permissions to a ${kind}`,
    description: 'true grants, false revokes, and what is left out stays. Each permission must be held by the caller.',
    permission:
      scope === 'application' ? applications('edit_app', idsOfAuthorizations) : hosts('edit_host', idsOfAuthorizations),
    body: z.object({ authorizations: z.array(entry).max(1000).default([]) }),
    returns: success,
    problems: ['undefined_permission', 'no_right_to_grant', 'no_such', 'builtin_role'],
    async handle({ params, body }, ctx) {
      const grantee = await granteeOf({ db: ctx.tx }, kind, params.id);
      const authorizations = body.authorizations.map((one) => ({ ...one, name: one[nameField] }));
      await demandNames(ctx, scope, authorizations);
      await grantOnObjects(ctx, grantee, scope, authorizations);
      return done;
    },
  });
}

interface ObjectRow {
  id: number;
  name: string;
}

function grants(kind: Grantee['kind'], scope: Scope): Endpoint {
  const nameField = nameFields[scope];
  const names = scopes[scope].permissions;
  const filter: Record<string, z.ZodType> = { [nameField]: z.string().optional() };
  if (kind === 'user') filter['effective'] = flag.optional();
  return list({
    path: `/${kind}s/{id}/${scope}/perms/`,
    id: `list${titles[scope]}GrantsOf${titles[kind]}`,
    area: 'access',
    summary: `${titles[scope]} permissions of a ${kind}`,
    description: 'Objects with a direct grant that the caller may view; effective=true adds roles and system grants.',
    permission: readsGrants(kind),
    filter: z.object(filter),
    item: z.object({ id: z.int(), [nameField]: z.string(), permission: z.record(z.string(), z.boolean()) }),
    async query({ params, query }, ctx) {
      await granteeOf(ctx, kind, params.id);
      const name = query[nameField] as string | undefined;
      const all = viewableObjects(ctx.db, ctx.subject, scope);
      const objects = name ? all.where('objects.name', 'ilike', anywhere(name)) : all;
      if (query['effective'] !== true) return objects.where(grantedDirectly({ kind, id: params.id }, scope));
      const subject = await loadSubject(ctx.db, params.id);
      return objects.where(visible<Scope>(subject, scope, scopes[scope].view, 'objects.id'));
    },
    order: { oldest: 'objects.id' },
    async present(rows: ObjectRow[], ctx, { params, query }) {
      const ids = rows.map((row) => row.id);
      const granted: ReadonlyMap<number, ReadonlySet<string>> = query['effective'] === true
        ? await actionsFor(ctx.db, await loadSubject(ctx.db, params.id), scope, ids)
        : await directGrants(ctx.db, { kind, id: params.id }, scope, ids);
      return rows.map((row) => ({
        id: row.id,
        [nameField]: row.name,
        permission: asFlags(names, granted.get(row.id)),
      }));
    },
  });
}

export const objectGrantEndpoints = (['user', 'role'] as const).flatMap((kind) =>
  (['application', 'host'] as const).flatMap((scope) => [grant(kind, scope), grants(kind, scope)]),
);
