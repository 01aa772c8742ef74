import type { Generated, JSONColumnType, Selectable } from 'kysely';
import type { ApprovalPolicy, OpenTo, Voter } from '../../workflows/approvals/contract.ts';
import type {
  DeployPlan,
  DeployTaskStatus,
  Level,
  LifecycleHooks,
  RollingStrategy,
} from '../../workflows/deploy/contract.ts';
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

interface DeployTasksTable {
  id: Generated<number>;
  applicationId: number;
  creatorId: number;
  ownerId: number;
  version: string;
  description: Generated<string>;
  level: Level;
  packageSource: string;
  plannedExecTime: Date;
  upgradeChecklist: Generated<string>;
  upgradeSteps: Generated<string>;
  rollbackSteps: Generated<string>;
  status: Generated<DeployTaskStatus>;
  error: string | null;
  autoStart: Generated<boolean>;
  /** Null is manual. */
  strategy: JSONColumnType<RollingStrategy, string | null | undefined, string | null> | null;
  paused: Generated<boolean>;
  heldBy: number | null;
  trouble: string | null;
  nextBatchTime: Date | null;
  requiredApprovals: number;
  /** As it was when the task was made; null in tasks from before there were policies. */
  policy: JSONColumnType<ApprovalPolicy> | null;
  openTo: JSONColumnType<OpenTo, string | undefined>;
  reviewSince: Date | null;
  changedById: number | null;
  escalated: Generated<boolean>;
  brokeGlassById: number | null;
  planRound: Generated<number>;
  planHash: string | null;
  seq: Generated<number>;
  createdTime: Generated<Date>;
  startedTime: Date | null;
  finishedTime: Date | null;
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

interface VotesTable {
  kind: string;
  requestId: number;
  round: number;
  userId: number;
  planHash: string | null;
  channel: string;
  step: Generated<number>;
  voter: JSONColumnType<Voter> | null;
  time: Generated<Date>;
}

interface DelegationsTable {
  id: Generated<number>;
  kind: string;
  requestId: number;
  fromId: number;
  toId: number;
  phase: 'review' | 'ownership';
  time: Generated<Date>;
}

interface RequestEventsTable {
  id: Generated<number>;
  kind: string;
  requestId: number;
  event: string;
  by: string;
  reason: string | null;
  channel: string;
  time: Generated<Date>;
}

/** Deploys, and what every approved request shares: votes, delegations, events. */
export interface DeployTables {
  deployScripts: DeployScriptsTable;
  repositoryCredentials: RepositoryCredentialsTable;
  deploySettings: DeploySettingsTable;
  deployTemplates: DeployTemplatesTable;
  deployTasks: DeployTasksTable;
  deployPlans: DeployPlansTable;
  deployFreezes: DeployFreezesTable;
  votes: VotesTable;
  delegations: DelegationsTable;
  requestEvents: RequestEventsTable;
}

export type DeployScriptRow = Selectable<DeployScriptsTable>;
export type DeploySettingsRow = Selectable<DeploySettingsTable>;
export type DeployTemplateRow = Selectable<DeployTemplatesTable>;
export type RepositoryCredentialRow = Selectable<RepositoryCredentialsTable>;
