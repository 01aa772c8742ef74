import type { Kysely } from 'kysely';
import { hookNames } from '../../workflows/deploy/contract.ts';
import type { LifecycleHooks } from '../../workflows/deploy/contract.ts';
import type { Database } from '../database.ts';
import type { ApplicationRow } from '../inventory.ts';
import type { DeploySettingsRow } from './tables.ts';

export const settingDefaults = { timeoutSeconds: 120, keepBackups: 5 } as const;

/** The deploy settings in force: own values, else the defaults. */
export interface SettingsInForce {
  enabled: boolean;
  /** Empty: the application has no deploy path. */
  deployPath: string;
  scriptRunningUser: string;
  timeoutSeconds: number;
  keepBackups: number;
  hooks: LifecycleHooks;
}

/** The one place where a setting falls back to its default. */
export function settingsInForce(
  own: Omit<DeploySettingsRow, 'applicationId' | 'creator' | 'repository'>,
  application: Pick<ApplicationRow, 'directory' | 'runUser'>,
): SettingsInForce {
  return {
    enabled: own.enabled,
    deployPath: own.deployPath ?? application.directory,
    scriptRunningUser: own.scriptRunningUser ?? application.runUser,
    timeoutSeconds: own.timeoutSeconds ?? settingDefaults.timeoutSeconds,
    keepBackups: own.keepBackups ?? settingDefaults.keepBackups,
    hooks: own.lifecycleHooks,
  };
}

/** The settings of an application; the row is there from its creation. */
export const settingsOf = (db: Kysely<Database>, applicationId: number): Promise<DeploySettingsRow> =>
  db.selectFrom('deploySettings').selectAll().where('applicationId', '=', applicationId).executeTakeFirstOrThrow();

/** Where an application is deployed; empty: nowhere. */
export async function deployPathOf(
  db: Kysely<Database>,
  application: Pick<ApplicationRow, 'id' | 'directory' | 'runUser'>,
): Promise<string> {
  const own = await db
    .selectFrom('deploySettings')
    .selectAll()
    .where('applicationId', '=', application.id)
    .executeTakeFirst();
  return own ? settingsInForce(own, application).deployPath : application.directory;
}

/** Ids of the scripts that hooks name, each once. */
export const scriptIds = (hooks: LifecycleHooks): number[] => [
  ...new Set(hookNames.flatMap((name) => hooks[name]?.script.id ?? [])),
];
