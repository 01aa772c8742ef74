import type { Kysely } from 'kysely';
import { z } from 'zod';
import type { Database } from '../../db/database.ts';
import { inlinePurpose } from '../../db/deploy/repository.ts';
import { settingsOf } from '../../db/deploy/settings.ts';
import { holdTemplates, lockTemplates, selectTemplates } from '../../db/deploy/templates.ts';
import { json } from '../../db/core/jsonb.ts';
import { keepBackups, startSeconds, stopSeconds, timeout } from './settings-fields.ts';
import { scriptPath, systemUser } from '../applications/fields.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx } from '../operations/context.ts';
import { endpoint } from '../operations/endpoint.ts';
import { noSuch, withMore } from '../operations/list-bodies.ts';
import { demandAllowedNames } from '../operations/host-rules.ts';
import { application, notFound } from '../operations/permissions.ts';
import { done, id, success } from '../operations/schemas.ts';
import { invalidField, Problem } from '../../workflows/problems/problem.ts';
import { hooksInput, hookUsers, mergedHooks } from './hooks.ts';
import { mergedRepository, resealed, sentSecrets } from './repository.ts';
import { repositoryInput } from './repository-fields.ts';
import { changeSettingsOf, linkSettings, placeProblems, resetSettings, unlinkSettings } from './settings-change.ts';
import { presentSettings, settingsObject, type Settings } from './settings-object.ts';
import { templateUser } from './template-user.ts';
import { msg } from '../../kit/messages/message.ts';

const area = 'deploy';
const path = '/applications/{id}/deploy-settings/';

async function present(db: Kysely<Database>, applicationId: number): Promise<Settings> {
  const shown = (await presentSettings(db, [applicationId])).get(applicationId);
  if (!shown) throw notFound();
  return shown;
}

const getSettings = endpoint({
  method: 'get',
  path,
  id: 'getDeploySettings',
  area,
  summary: 'Get the deploy settings of an application',
  permission: application('view_app'),
  returns: settingsObject,
  handle: ({ params }, ctx) => present(ctx.db, params.id),
});

const body = z
  .object({
    enabled: z.boolean(),
    repository: repositoryInput.nullable(),
    deploy_path: scriptPath({ root: false }).nullable(),
    script_running_user: systemUser.nullable(),
    timeout: timeout.nullable(),
    keep_backups: keepBackups.nullable(),
    start_seconds: startSeconds.nullable(),
    stop_seconds: stopSeconds.nullable(),
    lifecycle_hooks: hooksInput.nullable(),
    applications: z.array(z.union([id, z.object({ id }).transform((one) => one.id)])),
  })
  .partial()
  .superRefine((fields, issues) => {
    const given = Object.keys(fields);
    if (given.some((field) => field !== 'applications')) return;
    issues.addIssue({ code: 'custom', path: given, message: 'at least one field besides `applications` is needed' });
  });
type Fields = z.output<typeof body>;

/** The columns of a body's fields, merged into the effective settings. */
async function columnsOf(ctx: ChangeCtx, applicationId: number, fields: Fields) {
  const inForce = await settingsOf(ctx.tx, applicationId);
  if (!inForce) throw notFound();
  const { repository, lifecycle_hooks: hooks } = fields;
  const purpose = inlinePurpose.settings(applicationId);
  const stored = repository ? resealed(ctx, inForce.repository, inForce.repositoryPurpose, purpose) : null;
  const repositoryToStore = repository && (await mergedRepository(ctx, purpose, repository, stored));
  const hooksToStore = hooks && (await mergedHooks(ctx, hooks, inForce.hooks));
  return {
    ...(fields.enabled !== undefined && { enabled: fields.enabled }),
    ...(repository !== undefined && { repository: repositoryToStore ? json(repositoryToStore) : null }),
    ...(fields.deploy_path !== undefined && { deployPath: fields.deploy_path }),
    ...(fields.script_running_user !== undefined && { scriptRunningUser: fields.script_running_user }),
    ...(fields.timeout !== undefined && { timeoutSeconds: fields.timeout }),
    ...(fields.keep_backups !== undefined && { keepBackups: fields.keep_backups }),
    ...(fields.start_seconds !== undefined && { startSeconds: fields.start_seconds }),
    ...(fields.stop_seconds !== undefined && { stopSeconds: fields.stop_seconds }),
    ...(hooks !== undefined && { lifecycleHooks: json(hooksToStore ?? {}) }),
  };
}

const changeSettings = change({
  method: 'patch',
  path,
  id: 'changeDeploySettings',
  area,
  summary: 'Change the deploy settings',
  permission: application('edit_app'),
  body,
  returns: settingsObject,
  problems: placeProblems,
  async handle({ params, body: fields }, ctx) {
    const { applications } = fields;
    if (applications && (applications.length !== 1 || applications[0] !== params.id))
      throw invalidField('applications', msg('must_be_this_application'));
    demandAllowedNames(ctx, [
      { field: 'deploy_path', kind: 'deploy', value: fields.deploy_path },
      { field: 'script_running_user', kind: 'user', value: fields.script_running_user },
      ...hookUsers(fields.lifecycle_hooks),
    ]);
    await holdTemplates(ctx.tx);
    const work = async () => {
      const columns = await columnsOf(ctx, params.id, fields);
      await ctx.tx.updateTable('deploySettings').where('applicationId', '=', params.id).set(columns).execute();
    };
    await changeSettingsOf(ctx, [params.id], work, sentSecrets(fields.repository));
    return present(ctx.tx, params.id);
  },
});

const linkPath = `${path}template/` as const;

const linkTemplate = change({
  method: 'post',
  path: linkPath,
  id: 'linkDeployTemplate',
  area,
  summary: 'Link a deploy template',
  permission: withMore(application('edit_app'), ...templateUser.names),
  body: z.object({ id }),
  returns: success,
  problems: ['no_such', 'template_disabled', ...placeProblems],
  async handle({ params, body: { id: templateId } }, ctx) {
    await lockTemplates(ctx.tx);
    const template = await selectTemplates(ctx.tx).where('id', '=', templateId).executeTakeFirst();
    noSuch(
      'template',
      [templateId],
      () => !template,
      () => 'id',
    );
    if ((await settingsOf(ctx.tx, params.id))?.template?.id === templateId) return done;
    if (!template?.enabled) throw new Problem('template_disabled');
    await linkSettings(ctx, templateId, [params.id]);
    return done;
  },
});

const unlinkTemplate = change({
  method: 'delete',
  path: linkPath,
  id: 'unlinkDeployTemplate',
  area,
  summary: 'Unlink the deploy template',
  permission: application('edit_app'),
  body: z.object({ id, clean: z.boolean().default(false) }),
  returns: success,
  problems: ['template_not_linked', ...placeProblems],
  async handle({ params, body: { id: templateId, clean } }, ctx) {
    await lockTemplates(ctx.tx);
    const linked = (await settingsOf(ctx.tx, params.id))?.template;
    if (linked?.id !== templateId) throw new Problem('template_not_linked', { id: templateId });
    await (clean ? resetSettings : unlinkSettings)(ctx, [params.id]);
    return done;
  },
});

export const settingsEndpoints = [getSettings, changeSettings, linkTemplate, unlinkTemplate];
