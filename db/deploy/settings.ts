// Effective deploy settings: an application's own value, else its linked template's current one, else the default. Templates
// are joined on every read, never copied, so that their changes apply everywhere at once.
import { sql } from 'kysely';
import type { Kysely, SelectQueryBuilder } from 'kysely';
import { hookNames } from '../../workflows/deploy/contract.ts';
import type { LifecycleHooks } from '../../workflows/deploy/contract.ts';
import type { Database } from '../database.ts';
import type { ApplicationRow } from '../inventory/tables.ts';
import { inlinePurpose } from './repository.ts';
import type { StoredRepository } from './repository.ts';
import type { DeploySettingsRow } from './tables.ts';

export const templateDefaults = { timeoutSeconds: 120, keepBackups: 5 } as const;
export const settingDefaults = { ...templateDefaults, startSeconds: 30, stopSeconds: 60 } as const;

/** The fields that a linked template gives, as the API names them. */
const templateFields = ['repository', 'deploy_path', 'timeout', 'keep_backups', 'lifecycle_hooks'] as const;
type TemplateField = (typeof templateFields)[number];

/** The deploy settings in force. */
export interface SettingsInForce {
  enabled: boolean;
  /** The linked template. */
  template: { id: number; name: string } | null;
  /** Null: the package is a path on the target host. */
  repository: StoredRepository | null;
  /** What an inline secret of `repository` is sealed for. */
  repositoryPurpose: string;
  /** Empty: the application has no deploy path. */
  deployPath: string;
  scriptRunningUser: string;
  timeoutSeconds: number;
  keepBackups: number;
  /** How long a start may take to show its process; null: the default. */
  startSeconds: number | null;
  /** How long a stop may take to end it; null: the default. */
  stopSeconds: number | null;
  hooks: LifecycleHooks;
  /** The fields that the application sets itself although it has a template. */
  overrides: TemplateField[];
}

type OwnValues = Pick<
  DeploySettingsRow,
  | 'applicationId'
  | 'enabled'
  | 'scriptRunningUser'
  | 'repository'
  | 'deployPath'
  | 'timeoutSeconds'
  | 'keepBackups'
  | 'startSeconds'
  | 'stopSeconds'
  | 'lifecycleHooks'
>;

/** Own values and those of the linked template, as one row. */
interface SettingsSource extends OwnValues {
  templateId: number | null;
  templateName: string | null;
  templateRepository: StoredRepository | null;
  templateDeployPath: string | null;
  templateTimeoutSeconds: number | null;
  templateKeepBackups: number | null;
  templateHooks: LifecycleHooks | null;
}

const ownFields = (own: OwnValues): TemplateField[] => {
  const sets: Record<TemplateField, boolean> = {
    repository: own.repository !== null,
    deploy_path: own.deployPath !== null,
    timeout: own.timeoutSeconds !== null,
    keep_backups: own.keepBackups !== null,
    // Hooks that are set are stored with every key, be it null; an empty object sets nothing.
    lifecycle_hooks: Object.keys(own.lifecycleHooks).length > 0,
  };
  return templateFields.filter((field) => sets[field]);
};

/** The one place where a setting falls back to its template, and then to its default. */
export function settingsInForce(
  source: SettingsSource,
  application: Pick<ApplicationRow, 'directory' | 'runUser'>,
): SettingsInForce {
  const { templateId, templateName } = source;
  const own = ownFields(source);
  const repositoryIsOwn = own.includes('repository') || templateId === null;
  return {
    enabled: source.enabled,
    template: templateId === null ? null : { id: templateId, name: templateName ?? '' },
    repository: source.repository ?? source.templateRepository,
    repositoryPurpose: repositoryIsOwn
      ? inlinePurpose.settings(source.applicationId)
      : inlinePurpose.template(templateId),
    deployPath: source.deployPath ?? source.templateDeployPath ?? application.directory,
    scriptRunningUser: source.scriptRunningUser ?? application.runUser,
    timeoutSeconds: source.timeoutSeconds ?? source.templateTimeoutSeconds ?? settingDefaults.timeoutSeconds,
    keepBackups: source.keepBackups ?? source.templateKeepBackups ?? settingDefaults.keepBackups,
    startSeconds: source.startSeconds,
    stopSeconds: source.stopSeconds,
    hooks: own.includes('lifecycle_hooks') ? source.lifecycleHooks : (source.templateHooks ?? {}),
    overrides: templateId === null ? [] : own,
  };
}

/** SQL for the same: the hooks in force of a row of `deploy_settings` that is joined with its template. */
export const hooksInForce = sql<LifecycleHooks | null>`
  case when deploy_settings.lifecycle_hooks = '{}' then deploy_templates.lifecycle_hooks
    else deploy_settings.lifecycle_hooks end`;

/** Adds own settings and those of the template to a query of applications; the row is there from the creation. */
export const withSettings = <Row>(query: SelectQueryBuilder<Database, 'applications', Row>) =>
  query
    .innerJoin('deploySettings', 'deploySettings.applicationId', 'applications.id')
    .leftJoin('deployTemplates', 'deployTemplates.id', 'deploySettings.templateId')
    .select(['deploySettings.applicationId', 'deploySettings.enabled', 'deploySettings.scriptRunningUser'])
    .select(['deploySettings.repository', 'deploySettings.deployPath', 'deploySettings.timeoutSeconds'])
    .select(['deploySettings.keepBackups', 'deploySettings.lifecycleHooks', 'deploySettings.templateId'])
    .select(['deploySettings.startSeconds', 'deploySettings.stopSeconds'])
    .select(['deployTemplates.name as templateName', 'deployTemplates.repository as templateRepository'])
    .select(['deployTemplates.deployPath as templateDeployPath', 'deployTemplates.lifecycleHooks as templateHooks'])
    .select(['deployTemplates.timeoutSeconds as templateTimeoutSeconds'])
    .select(['deployTemplates.keepBackups as templateKeepBackups']);

/** Settings of applications with what their templates have. */
export const settingsOfEach = (db: Kysely<Database>, applicationIds: readonly number[]) =>
  withSettings(
    db.selectFrom('applications').where('applications.id', 'in', applicationIds.length > 0 ? applicationIds : [0]),
  )
    .select(['directory', 'runUser', 'deploySettings.creator'])
    .execute();

/** The settings in force of an application; undefined when there is none. */
export async function settingsOf(db: Kysely<Database>, applicationId: number): Promise<SettingsInForce | undefined> {
  const [source] = await settingsOfEach(db, [applicationId]);
  return source && settingsInForce(source, source);
}

/** Where an application is deployed; empty: nowhere. */
export async function deployPathOf(
  db: Kysely<Database>,
  application: Pick<ApplicationRow, 'id' | 'directory'>,
): Promise<string> {
  return (await settingsOf(db, application.id))?.deployPath ?? application.directory;
}

/** Ids of the scripts that hooks name, each once. */
export const scriptIds = (hooks: LifecycleHooks): number[] => [
  ...new Set(hookNames.flatMap((name) => hooks[name]?.script.id ?? [])),
];
