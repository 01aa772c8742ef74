// Imports an existing estate from its providers: machines are read, shown as a difference to the inventory, and adopted on
// request. A synchronisation compares known hosts the same way, and changes nothing.
import { z } from 'zod';
import { json } from '../../db/core/jsonb.ts';
import { cloudTypes } from '../../kit/config/cloud-types.ts';
import { hostImportWorkflowId, sources } from '../../workflows/host-imports/contract.ts';
import type { ImportInput, ImportKind, Source } from '../../workflows/host-imports/contract.ts';
import { detail, Problem } from '../../workflows/problems/problem.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx, Ctx } from '../operations/context.ts';
import { eachOnce } from '../operations/list-bodies.ts';
import { launch } from '../operations/start-workflow.ts';
import { admin } from '../operations/permissions.ts';
import { distinct } from '../operations/schemas.ts';
import { hostImport } from './object.ts';
import { area, entry, seen } from './shared.ts';
import { msg } from '../../kit/messages/message.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

/** The reason why a source cannot be read; null if it can. */
function unset(config: Ctx['config'], source: Source): string | null {
  if (source !== 'SALT') return cloudTypes[source].isSet(config) ? null : cloudTypes[source].variable;
  return config.saltUrl === undefined ? 'SLIPWAY_SALT_URL' : null;
}

/** The sources that a body names, or all configured ones. */
function wantedSources({ config }: Ctx, named: readonly Source[] | undefined): Source[] {
  const wanted = named ?? sources.filter((source) => unset(config, source) === null);
  const details = wanted.flatMap((source, index) => {
    const variable = unset(config, source);
    return variable === null ? [] : [{ source, variable, field: `sources.${index}` }];
  });
  const [first] = details;
  const shown = details.map(({ field, variable }) => detail(field, msg('variable_not_set', { variable })));
  if (first) throw new Problem('source_unset', { source: first.source, variable: first.variable }, shown);
  if (wanted.length === 0)
    throw new Problem('source_unset', { source: 'any', variable: 'SLIPWAY_CLOUD_ACCOUNTS_FILE' });
  return [...wanted];
}

async function begin(ctx: ChangeCtx, kind: ImportKind, named: readonly Source[] | undefined, adopt: boolean) {
  const wanted = wantedSources(ctx, named);
  const creator = ctx.actor.user.username;
  const { id: importId } = await ctx.tx
    .insertInto('hostImports')
    .values({ kind, sources: json(wanted), adopt, creator, createdTime: ctx.now(), finishedTime: null })
    .returning('id')
    .executeTakeFirstOrThrow();
  const names = wanted.join(', ');
  const begun = kind === 'import' ? 'import_begun' : 'comparison_begun';
  ctx.audit(entry(importId, auditText(begun, { sources: names })));
  const input: ImportInput = { importId, sources: wanted, adopt, actor: ctx.by };
  await launch(ctx, {
    workflow: 'importHosts',
    workflowId: hostImportWorkflowId(importId),
    input,
    summary: `${kind === 'import' ? 'import' : 'comparison'} of hosts from ${names}`,
    attributes: { kind: 'host_import', status: 'running', creator },
  });
  return seen(ctx, importId);
}

const sourceList = z
  .array(z.enum(sources))
  .min(1)
  .max(sources.length)
  .superRefine(eachOnce<Source>((one) => one, ''))
  .meta(distinct)
  .optional();

export const importHosts = change({
  method: 'post',
  path: '/hosts/actions/import/',
  id: 'importHosts',
  area,
  summary: 'Look for hosts at providers, and adopt new ones if requested',
  permission: admin,
  body: z.object({ sources: sourceList, adopt: z.boolean().default(false) }),
  returns: hostImport,
  status: 202,
  problems: ['source_unset'],
  handle: ({ body }, ctx) => begin(ctx, 'import', body.sources, body.adopt),
});

export const syncHosts = change({
  method: 'post',
  path: '/hosts/actions/sync/',
  id: 'syncHosts',
  area,
  summary: 'Compare the known hosts with their providers, without changing anything',
  permission: admin,
  body: z.object({ sources: sourceList }),
  returns: hostImport,
  status: 202,
  problems: ['source_unset'],
  handle: ({ body }, ctx) => begin(ctx, 'sync', body.sources, false),
});
