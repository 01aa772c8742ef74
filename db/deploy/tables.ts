import type { Generated, JSONColumnType, Selectable } from 'kysely';
import type { DeployPlan, Level, LifecycleHooks, RollingStrategy } from '../../workflows/deploy/contract.ts';
import type { RequestColumns } from '../approvals/tables.ts';
import type { StoredRepository } from './repository.ts';

interface DeployScriptsTable {
  id: Generated<number>;
  name: string;
  creator: string;
  language: 'bash' | 'python';
  content: string;
  templateEngine: Generated<string>;
  createdTime: Generated<Date>;
  updateTime: Generated<Date>;
}

interface RepositoryCredentialsTable {
  id: Generated<number>;
  userId: number;
  name: string;
  type: 'PASSWORD' | 'SSH_PRIVATE_KEY';
  username: string;
  secret: JSONColumnType<object>;
  fingerprint: string | null;
  publicKey: string | null;
  createdTime: Generated<Date>;
}

interface DeploySettingsTable {
  applicationId: number;
  enabled: Generated<boolean>;
  creator: string;
  templateId: number | null;
  repository: JSONColumnType<StoredRepository> | null;
  deployPath: string | null;
  scriptRunningUser: string | null;
  timeoutSeconds: number | null;
  keepBackups: number | null;
  startSeconds: number | null;
  stopSeconds: number | null;
  lifecycleHooks: JSONColumnType<LifecycleHooks, string | undefined>;
}

interface DeployTemplatesTable {
  id: Generated<number>;
  name: string;
  enabled: Generated<boolean>;
  creator: string;
  createdTime: Generated<Date>;
  repository: JSONColumnType<StoredRepository> | null;
  deployPath: string;
  timeoutSeconds: number;
  keepBackups: number;
  lifecycleHooks: JSONColumnType<LifecycleHooks, string | undefined>;
}

interface DeployTasksTable extends RequestColumns {
  applicationId: number;
  ownerId: number;
  version: string;
  description: Generated<string>;
  level: Level;
  packageSource: string;
  plannedExecTime: Date;
  upgradeChecklist: Generated<string>;
  upgradeSteps: Generated<string>;
  rollbackSteps: Generated<string>;
  autoStart: Generated<boolean>;
  /** Null is manual. */
  strategy: JSONColumnType<RollingStrategy, string | null | undefined, string | null> | null;
  paused: Generated<boolean>;
  heldBy: number | null;
  /** Why it does not proceed automatically. */
  trouble: string | null;
  nextBatchTime: Date | null;
  brokeGlassById: number | null;
  startedTime: Date | null;
}

interface DeployPlansTable {
  deployTaskId: number;
  round: number;
  plan: JSONColumnType<DeployPlan>;
  /** Why its package cannot be read; null: it was read, or the plan is from before this was kept. */
  unread: string | null;
  createdTime: Generated<Date>;
}

interface DeployFreezesTable {
  id: Generated<number>;
  applicationId: number | null;
  productionId: number | null;
  fromTime: Date;
  untilTime: Date;
  reason: string;
  creator: string;
  createdTime: Generated<Date>;
}

/** Deploy tasks, and what is configured for them. */
export interface DeployTables {
  deployScripts: DeployScriptsTable;
  repositoryCredentials: RepositoryCredentialsTable;
  deploySettings: DeploySettingsTable;
  deployTemplates: DeployTemplatesTable;
  deployTasks: DeployTasksTable;
  deployPlans: DeployPlansTable;
  deployFreezes: DeployFreezesTable;
}

export type DeployScriptRow = Selectable<DeployScriptsTable>;
export type DeploySettingsRow = Selectable<DeploySettingsTable>;
export type DeployTemplateRow = Selectable<DeployTemplatesTable>;
export type RepositoryCredentialRow = Selectable<RepositoryCredentialsTable>;
