import { z } from 'zod';
import { anywhere } from '../../db/core/ilike.ts';
import { differences, sources } from '../../workflows/host-imports/contract.ts';
import { endpoint } from '../operations/endpoint.ts';
import { list } from '../operations/list.ts';
import { finding, hostImport, presentFinding, presentImports } from './object.ts';
import { area, importer, seen } from './shared.ts';

export const listImports = list({
  path: '/hosts/imports/',
  id: 'listHostImports',
  area,
  summary: 'List imports and comparisons of hosts',
  permission: importer,
  item: hostImport,
  order: { newest: 'hostImports.id' },
  query: (_input, ctx) => ctx.db.selectFrom('hostImports').selectAll(),
  present: (rows, ctx) => presentImports(ctx.db, rows),
});

export const getImport = endpoint({
  method: 'get',
  path: '/hosts/imports/{id}/',
  id: 'getHostImport',
  area,
  summary: 'Get an import of hosts',
  permission: importer,
  returns: hostImport,
  handle: ({ params }, ctx) => seen(ctx, params.id),
});

export const listFindings = list({
  path: '/hosts/imports/{id}/findings/',
  id: 'listHostImportFindings',
  area,
  summary: 'List what an import found, and how it differs from the inventory',
  permission: importer,
  filter: z.object({
    difference: z.enum(differences).optional(),
    source: z.enum(sources).optional(),
    name: z.string().max(253).optional(),
  }),
  item: finding,
  query: async ({ params, query: { difference, source, name } }, ctx) => {
    await seen(ctx, params.id);
    return ctx.db
      .selectFrom('hostImportFindings')
      .selectAll()
      .where('importId', '=', params.id)
      .where('difference', 'is not', null)
      .$if(difference !== undefined, (q) => q.where('difference', '=', difference ?? null))
      .$if(source !== undefined, (q) => q.where('source', '=', source ?? 'SALT'))
      .$if(name !== undefined, (q) => q.where('name', 'ilike', anywhere(name ?? '')));
  },
  present: (rows) => rows.map(presentFinding),
});
