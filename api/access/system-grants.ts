import { z } from 'zod';
import { modules, type ModuleName } from '../../db/access/permission-catalogue.ts';
import { directGrants, type Grantee } from '../../db/access/grants.ts';
import { change } from '../operations/change.ts';
import type { Endpoint } from '../operations/endpoint.ts';
import { loadedList } from '../operations/list.ts';
import { system } from '../operations/permissions.ts';
import { asFlags, done, success } from '../operations/schemas.ts';
import { granteeOf, grantOnSystem, moduleNamed } from './granting.ts';
import { readsGrants } from './object-grants.ts';

const entry = z.object({ module_name: z.string(), permissions: z.record(z.string(), z.boolean()) });
const titles = { user: 'User', role: 'Role' } as const;

const grant = (kind: Grantee['kind']): Endpoint =>
  change({
    method: 'post',
    path: `/${kind}s/{id}/system/perms/`,
    id: `grantSystemTo${titles[kind]}`,
    area: 'access',
    summary: `Grant module permissions to a ${kind}`,
    description: 'One module or a list of them; true grants, false revokes, and what is left out stays.',
    permission: system(kind === 'user' ? 'manage_user' : 'manage_role'),
    body: z.union([entry, z.array(entry).max(100)]),
    returns: success,
    problems: ['undefined_permission', 'no_right_to_grant', 'no_such', 'builtin_role'],
    async handle({ params, body }, ctx) {
      const grantee = await granteeOf({ db: ctx.tx }, kind, params.id);
      await grantOnSystem(ctx, grantee, Array.isArray(body) ? body : [body]);
      return done;
    },
  });

const grants = (kind: Grantee['kind']): Endpoint =>
  loadedList({
    path: `/${kind}s/{id}/system/perms/`,
    id: `listSystemGrantsOf${titles[kind]}`,
    area: 'access',
    summary: `Module permissions of a ${kind}`,
    description: 'Direct grants, every module with all of its permissions.',
    permission: readsGrants(kind),
    filter: z.object({ module_name: z.string().optional() }),
    item: entry,
    async load({ params, query }, { db }, { page, pageSize }) {
      await granteeOf({ db }, kind, params.id);
      const granted = (await directGrants(db, { kind, id: params.id }, 'system', [0])).get(0);
      const names = query.module_name ? [moduleNamed(query.module_name)] : (Object.keys(modules) as ModuleName[]);
      const items = names.map((name) => ({
        module_name: name,
        permissions: asFlags(modules[name].permissions, granted),
      }));
      return { items: items.slice((page - 1) * pageSize, page * pageSize), count: items.length };
    },
  });

export const systemGrantEndpoints = (['user', 'role'] as const).flatMap((kind) => [grant(kind), grants(kind)]);
