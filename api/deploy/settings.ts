import type { Kysely } from 'kysely';
import { z } from 'zod';
import { diff } from '../../db/audit/changes.ts';
import type { AuditChanges } from '../../db/audit/tables.ts';
import { quote } from '../../db/audit/text.ts';
import type { Database } from '../../db/database.ts';
import { inlinePurpose } from '../../db/deploy/repository.ts';
import { settingsOf } from '../../db/deploy/settings.ts';
import { json } from '../../db/json.ts';
import { absolutePath, systemUser } from '../applications/fields.ts';
import { lockedApplication } from '../applications/locked.ts';
import { applicationEntry, type NamedApplication } from '../applications/text.ts';
import { change } from '../change.ts';
import type { ChangeCtx } from '../context.ts';
import { endpoint } from '../endpoint.ts';
import { masked } from '../masked.ts';
import { application } from '../permissions.ts';
import { id } from '../schemas.ts';
import { invalidField } from '../../workflows/problem.ts';
import { hooksInput, hooksObject, mergedHooks, presentHooks } from './hooks.ts';
import { mergedRepository, presentRepository, repositoryObject } from './repository.ts';
import { repositoryInput, type CredentialInput } from './repository-fields.ts';

const area = 'deploy';
const path = '/applications/{id}/deploy-settings/';

const settingsObject = z.object({
  id: z.int(),
  application: z.int(),
  enabled: z.boolean(),
  creator: z.string(),
  template: z.object({ id: z.int(), name: z.string() }).nullable(),
  repository: repositoryObject,
  deploy_path: z.string(),
  script_running_user: z.string().nullable(),
  timeout: z.int(),
  keep_backups: z.int(),
  lifecycle_hooks: hooksObject,
  overrides: z.array(z.string()),
});
type Settings = z.input<typeof settingsObject>;

/** The deploy settings of an application: what is in force, and what they say themselves. */
async function present(db: Kysely<Database>, applicationId: number): Promise<Settings> {
  const { source, inForce } = await settingsOf(db, applicationId);
  const { enabled, creator, scriptRunningUser } = source;
  return {
    ...{ id: applicationId, application: applicationId, enabled, creator, template: inForce.template },
    repository: await presentRepository(db, inForce.repository),
    ...{ deploy_path: inForce.deployPath, script_running_user: scriptRunningUser },
    ...{ timeout: inForce.timeoutSeconds, keep_backups: inForce.keepBackups },
    lifecycle_hooks: await presentHooks(db, inForce.hooks),
    overrides: inForce.overrides,
  };
}

const getSettings = endpoint({
  ...{ method: 'get', path, id: 'getDeploySettings', area, summary: 'Get the deploy settings of an application' },
  permission: application('view_app'),
  returns: settingsObject,
  handle: ({ params }, ctx) => present(ctx.db, params.id),
});

const body = z
  .object({
    enabled: z.boolean(),
    repository: repositoryInput.nullable(),
    deploy_path: absolutePath({ root: false }).nullable(),
    script_running_user: systemUser.nullable(),
    timeout: z.int().min(1).max(86_400).nullable(),
    keep_backups: z.int().min(0).max(100).nullable(),
    lifecycle_hooks: hooksInput.nullable(),
    applications: z.array(z.union([id, z.object({ id }).transform((one) => one.id)])),
  })
  .partial()
  .refine((fields) => Object.keys(fields).some((field) => field !== 'applications'), 'at least one field is needed');
type Fields = z.output<typeof body>;

/** The columns of the fields that a body gives, merged into what is in force. */
async function columnsOf(ctx: ChangeCtx, applicationId: number, fields: Fields) {
  const { inForce } = await settingsOf(ctx.tx, applicationId);
  const { repository, lifecycle_hooks: hooks } = fields;
  const purpose = inlinePurpose.settings(applicationId);
  const repositoryToStore = repository && (await mergedRepository(ctx, purpose, repository, inForce.repository));
  const hooksToStore = hooks && (await mergedHooks(ctx, hooks, inForce.hooks));
  return {
    ...(fields.enabled !== undefined && { enabled: fields.enabled }),
    ...(repository !== undefined && { repository: repositoryToStore ? json(repositoryToStore) : null }),
    ...(fields.deploy_path !== undefined && { deployPath: fields.deploy_path }),
    ...(fields.script_running_user !== undefined && { scriptRunningUser: fields.script_running_user }),
    ...(fields.timeout !== undefined && { timeoutSeconds: fields.timeout }),
    ...(fields.keep_backups !== undefined && { keepBackups: fields.keep_backups }),
    ...(hooks !== undefined && { lifecycleHooks: json(hooksToStore ?? {}) }),
  };
}

/** Settings as a record shows them: scripts by id and name, their text has records of its own. */
function recorded({ lifecycle_hooks: hooks, creator: _creator, ...settings }: Settings): object {
  const short = Object.entries(hooks).map(([name, hook]) => {
    if (hook === null || typeof hook === 'string') return [name, hook];
    return [name, { running_user: hook.running_user, script: { id: hook.script.id, name: hook.script.name } }];
  });
  return { ...settings, lifecycle_hooks: Object.fromEntries(short) as object };
}

const sendsSecret = (credential: CredentialInput | undefined): boolean =>
  credential != null &&
  'type' in credential &&
  (credential.type === 'PASSWORD' ? credential.password : credential.private_key) !== masked;

function settingsEntry(of: NamedApplication, changes: AuditChanges) {
  const name = quote(of.fullName);
  const fields = Object.entries(changes)
    .map(([field, [before, after]]) => `${field}: ${quote(JSON.stringify(before))} → ${quote(JSON.stringify(after))}`)
    .join('; ');
  const detail = { en: `changed deploy settings of ${name}: ${fields}`, zh: `修改 ${name} 的部署设置: ${fields}` };
  return applicationEntry('change_deploy_setting', of, detail, changes);
}

const changeSettings = change({
  ...{ method: 'patch', path, id: 'changeDeploySettings', area, summary: 'Change the deploy settings' },
  permission: application('edit_app'),
  body,
  returns: settingsObject,
  async handle({ params, body: fields }, ctx) {
    const { applications } = fields;
    if (applications && (applications.length !== 1 || applications[0] !== params.id))
      throw invalidField('applications', 'must be this application alone');
    const of = await lockedApplication(ctx, params.id);
    const before = await present(ctx.tx, params.id);
    const columns = await columnsOf(ctx, params.id, fields);
    const update = ctx.tx.updateTable('deploySettings').where('applicationId', '=', params.id);
    await update.set(columns).execute();
    const changed: AuditChanges = {
      ...diff(recorded(before), recorded(await present(ctx.tx, params.id))),
      ...(sendsSecret(fields.repository?.credential) && { 'repository.credential.secret': [masked, masked] }),
    };
    if (Object.keys(changed).length > 0) {
      await update.set({ creator: ctx.actor.user.username }).execute();
      ctx.audit(settingsEntry(of, changed));
    }
    return present(ctx.tx, params.id);
  },
});

export const settingsEndpoints = [getSettings, changeSettings];
