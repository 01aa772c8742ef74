import { z } from 'zod';
import { diff } from '../../db/audit/changes.ts';
import { inlinePurpose } from '../../db/deploy/repository.ts';
import { refuseSharedPlaces } from '../../db/deploy/places.ts';
import { templateDefaults } from '../../db/deploy/settings.ts';
import type { DeployTemplateRow } from '../../db/deploy/tables.ts';
import {
  countLinked,
  deployedByTemplate,
  linkedApplications,
  lockTemplates,
  selectTemplates,
} from '../../db/deploy/templates.ts';
import { json } from '../../db/core/jsonb.ts';
import { anywhere } from '../../db/core/ilike.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { scriptPath } from '../applications/fields.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx, Ctx } from '../operations/context.ts';
import { endpoint } from '../operations/endpoint.ts';
import { demandEntries, eachOnce, withMore } from '../operations/list-bodies.ts';
import { demandAllowedNames } from '../operations/host-rules.ts';
import { list } from '../operations/list.ts';
import { notFound } from '../operations/permissions.ts';
import { atLeastOne, distinct, done, id, success } from '../operations/schemas.ts';
import { nameTaken, unlessTaken } from '../operations/unique-names.ts';
import { hooksInput, hookUsers, mergedHooks } from './hooks.ts';
import { operationEntry } from './operation-entry.ts';
import { mergedRepository, sentSecrets } from './repository.ts';
import { repositoryInput } from './repository-fields.ts';
import { linkSettings, placeProblems, unlinkSettings } from './settings-change.ts';
import { keepBackups, timeout } from './settings-fields.ts';
import { presentTemplates, recordedTemplate, templateObject, type Template } from './template-object.ts';
import { templateMaker, templateManager, templateUser } from './template-user.ts';
import { issue } from '../operations/issue.ts';

const area = 'deploy';
const path = '/application/deploy-templates/';

const anApplication = z.union([id, z.object({ id }).transform((one) => one.id)]);
const fields = {
  name: z.string().min(1).max(64),
  enabled: z.boolean(),
  applications: z
    .array(anApplication)
    .max(1000)
    .superRefine(eachOnce<number>((one) => one, ''))
    .meta(distinct),
  repository: repositoryInput.nullable(),
  deploy_path: scriptPath({ root: false }),
  timeout,
  keep_backups: keepBackups,
  lifecycle_hooks: hooksInput.nullable(),
};
const changes = atLeastOne(z.object(fields).partial());
const hasCredential = (sent: z.output<typeof repositoryInput>): boolean => sent.credential !== undefined;
const credentialNeeded = { path: ['credential'], message: issue('is_needed_or_null') };
const creation = z
  .object(fields)
  .partial()
  .required({ name: true, deploy_path: true })
  .extend({
    repository: repositoryInput.required({ type: true }).refine(hasCredential, credentialNeeded).nullable(),
  });
type Fields = z.output<typeof changes>;

const takenIndex = 'deploy_templates_name';

/** The columns of a body's fields, merged into the stored ones. */
async function columnsOf(ctx: ChangeCtx, row: DeployTemplateRow, sent: Fields) {
  const { repository, lifecycle_hooks: hooks } = sent;
  const purpose = inlinePurpose.template(row.id);
  const repositoryToStore = repository && (await mergedRepository(ctx, purpose, repository, row.repository));
  const hooksToStore = hooks && (await mergedHooks(ctx, hooks, row.lifecycleHooks));
  return {
    name: sent.name ?? row.name,
    enabled: sent.enabled ?? row.enabled,
    deployPath: sent.deploy_path ?? row.deployPath,
    timeoutSeconds: sent.timeout ?? row.timeoutSeconds,
    keepBackups: sent.keep_backups ?? row.keepBackups,
    ...(repository !== undefined && { repository: repositoryToStore ? json(repositoryToStore) : null }),
    ...(hooks !== undefined && { lifecycleHooks: json(hooksToStore ?? {}) }),
  };
}

/** Links and unlinks until the template has these applications; those hidden from the caller stay unchanged. */
async function setApplications(ctx: ChangeCtx, template: DeployTemplateRow, wanted: readonly number[]): Promise<void> {
  const linked = (await linkedApplications(ctx.tx, ctx.subject, [template.id])).map((one) => one.applicationId);
  const added = wanted.filter((one) => !linked.includes(one));
  const dropped = linked.filter((one) => !wanted.includes(one));
  const at = (index: number): string => `applications.${wanted.indexOf(added[index] ?? 0)}`;
  await demandEntries(ctx, 'application', 'edit_app', added, at);
  await demandEntries(ctx, 'application', 'edit_app', dropped, () => 'applications');
  if (added.length > 0 && !template.enabled) throw new Problem('template_disabled');
  await unlinkSettings(ctx, dropped);
  await linkSettings(ctx, template.id, added);
}

/** Rejects names in a body that the operator's lists do not allow. */
const demandAllowed = (ctx: ChangeCtx, sent: Fields): void =>
  demandAllowedNames(ctx, [
    { field: 'deploy_path', kind: 'deploy', value: sent.deploy_path },
    ...hookUsers(sent.lifecycle_hooks),
  ]);

/** Writes a body's fields to an existing template; returns it as the caller may view it afterwards. */
async function write(ctx: ChangeCtx, row: DeployTemplateRow, sent: Fields): Promise<Template> {
  const columns = await columnsOf(ctx, row, sent);
  const updated = ctx.tx.updateTable('deployTemplates').where('id', '=', row.id).set(columns).returningAll();
  const saved = await unlessTaken(updated.executeTakeFirstOrThrow(), takenIndex, nameTaken(columns.name));
  if (saved.deployPath !== row.deployPath) {
    const applicationIds = await deployedByTemplate(ctx.tx, row.id);
    await refuseSharedPlaces(ctx.tx, ctx.subject, { applicationIds });
  }
  if (sent.applications) await setApplications(ctx, saved, sent.applications);
  return present(ctx, saved);
}

async function present(ctx: Ctx | ChangeCtx, row: DeployTemplateRow): Promise<Template> {
  const [shown] = await presentTemplates([row], ctx, 'tx' in ctx ? ctx.tx : ctx.db);
  if (!shown) throw notFound();
  return shown;
}

async function find(ctx: Ctx | ChangeCtx, templateId: number): Promise<DeployTemplateRow> {
  const row = await selectTemplates('tx' in ctx ? ctx.tx : ctx.db)
    .where('id', '=', templateId)
    .executeTakeFirst();
  if (!row) throw notFound();
  return row;
}

const listTemplates = list({
  path,
  id: 'listDeployTemplates',
  area,
  summary: 'List deploy templates',
  permission: templateUser,
  filter: z.object({ name: z.string().max(64).optional(), creator: z.string().max(64).optional() }),
  item: templateObject,
  query: ({ query: { name, creator } }, ctx) =>
    selectTemplates(ctx.db)
      .$if(name !== undefined, (q) => q.where('name', 'ilike', anywhere(name ?? '')))
      .$if(creator !== undefined, (q) => q.where('creator', '=', creator ?? '')),
  present: (rows, ctx) => presentTemplates(rows, ctx),
});

const createTemplate = change({
  method: 'post',
  path,
  id: 'createDeployTemplate',
  area,
  summary: 'Create a deploy template',
  permission: withMore(templateManager, 'edit_app'),
  body: creation,
  returns: templateObject,
  status: 201,
  problems: ['no_such', 'name_taken', 'template_disabled', ...placeProblems],
  async handle({ body }, ctx) {
    demandAllowed(ctx, body);
    await lockTemplates(ctx.tx);
    const { name, deploy_path: deployPath } = body;
    const creator = ctx.actor.user.username;
    const inserted = ctx.tx
      .insertInto('deployTemplates')
      .values({ name, deployPath, creator, createdTime: ctx.now(), ...templateDefaults })
      .returningAll()
      .executeTakeFirstOrThrow();
    const row = await unlessTaken(inserted, takenIndex, nameTaken(name));
    const shown = await write(ctx, row, body);
    ctx.audit(operationEntry('create', 'template', row, diff(null, recordedTemplate(shown))));
    return shown;
  },
});

const getTemplate = endpoint({
  method: 'get',
  path: `${path}{id}/`,
  id: 'getDeployTemplate',
  area,
  summary: 'Get a deploy template',
  permission: templateUser,
  returns: templateObject,
  handle: async ({ params }, ctx) => present(ctx, await find(ctx, params.id)),
});

const changeTemplate = change({
  method: 'patch',
  path: `${path}{id}/`,
  id: 'changeDeployTemplate',
  area,
  summary: 'Change a deploy template',
  description: 'The change applies to linked applications at once.',
  permission: withMore(templateMaker, 'edit_app'),
  body: changes,
  returns: templateObject,
  problems: ['no_such', 'name_taken', 'template_disabled', ...placeProblems, 'linked_deploy_path_taken'],
  async handle({ params, body }, ctx) {
    demandAllowed(ctx, body);
    await lockTemplates(ctx.tx);
    const row = await find(ctx, params.id);
    const before = await present(ctx, row);
    const after = await write(ctx, row, body);
    const changed = {
      ...diff(recordedTemplate(before), recordedTemplate(after)),
      ...sentSecrets(body.repository),
    };
    if (Object.keys(changed).length > 0) ctx.audit(operationEntry('update', 'template', after, changed));
    return after;
  },
});

const deleteTemplate = change({
  method: 'delete',
  path: `${path}{id}/`,
  id: 'deleteDeployTemplate',
  area,
  summary: 'Delete a deploy template',
  permission: templateMaker,
  returns: success,
  problems: ['template_linked'],
  async handle({ params }, ctx) {
    await lockTemplates(ctx.tx);
    const row = await find(ctx, params.id);
    const n = await countLinked(ctx.tx, row.id);
    if (n > 0) throw new Problem('template_linked', { n });
    const shown = await present(ctx, row);
    await ctx.tx.deleteFrom('deployTemplates').where('id', '=', row.id).execute();
    ctx.audit(operationEntry('delete', 'template', row, diff(recordedTemplate(shown), null)));
    return done;
  },
});

export const templateEndpoints = [listTemplates, createTemplate, getTemplate, changeTemplate, deleteTemplate];
