import type { Kysely } from 'kysely';
import { z } from 'zod';
import type { Database } from '../../db/database.ts';
import { settingDefaults, settingsInForce, settingsOfEach } from '../../db/deploy/settings.ts';
import { hooksObject, hooksPresenter, recordedHooks } from './hooks.ts';
import { repositoryObject, repositoryPresenter } from './repository.ts';

export const settingsObject = z.object({
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
  start_seconds: z.int(),
  stop_seconds: z.int(),
  lifecycle_hooks: hooksObject,
  overrides: z.array(z.string()),
});
export type Settings = z.input<typeof settingsObject>;

/** The effective deploy settings of applications, by application. */
export async function presentSettings(db: Kysely<Database>, ids: readonly number[]): Promise<Map<number, Settings>> {
  const all = (await settingsOfEach(db, ids)).map((row) => ({ row, inForce: settingsInForce(row, row) }));
  const stored = all.map(({ inForce }) => inForce);
  const repository = await repositoryPresenter(
    db,
    stored.map((one) => one.repository),
  );
  const hooks = await hooksPresenter(
    db,
    stored.map((one) => one.hooks),
  );
  const shown = all.map(({ row, inForce }): [number, Settings] => {
    const { applicationId: id, enabled, creator, scriptRunningUser } = row;
    const { template, overrides, deployPath, timeoutSeconds, keepBackups } = inForce;
    const plain = { id, application: id, enabled, creator, template, deploy_path: deployPath, overrides };
    return [
      id,
      {
        ...plain,
        script_running_user: scriptRunningUser,
        timeout: timeoutSeconds,
        keep_backups: keepBackups,
        start_seconds: inForce.startSeconds ?? settingDefaults.startSeconds,
        stop_seconds: inForce.stopSeconds ?? settingDefaults.stopSeconds,
        repository: repository(inForce.repository),
        lifecycle_hooks: hooks(inForce.hooks),
      },
    ];
  });
  return new Map(shown);
}

/** Settings for an audit record. */
export const recordedSettings = ({ lifecycle_hooks: hooks, creator: _creator, ...settings }: Settings): object => ({
  ...settings,
  lifecycle_hooks: recordedHooks(hooks),
});
