// The public contract of a deploy task and its sub-tasks.
import { defineSignal, defineUpdate } from '@temporalio/workflow';
import { requestStatuses } from '../approvals/contract.ts';
import type { ApprovalPolicy, RequestStatus, RequestTransition } from '../approvals/contract.ts';
import type { CarriedApproval } from '../approvals/state.ts';
import type { RunnerName } from '../hosts/contract.ts';
import type { Actor } from '../tasks/contract.ts';
import type { Reason } from '../problems/problem.ts';

export const levels = ['S', 'A', 'B', 'C', 'I'] as const;
export type Level = (typeof levels)[number];

/** Approvals required per level without a policy. */
export const approvalsOfLevel: Record<Level, number> = { S: 2, A: 1, B: 1, C: 1, I: 0 };

export const deployTaskStatuses = requestStatuses;
export type DeployTaskStatus = RequestStatus;

export const hookNames = ['global_pre_exec', 'pre_exec', 'post_exec', 'global_post_exec'] as const;
export type HookName = (typeof hookNames)[number];

interface Hook {
  running_user: string | null;
  script: { id: number };
}
export type LifecycleHooks = { running_user?: string | null } & Partial<Record<HookName, Hook | null>>;

export const scriptLanguages = ['bash', 'python'] as const;
export type ScriptLanguage = (typeof scriptLanguages)[number];

export const onFailures = ['pause', 'revert', 'continue'] as const;

/** The gate of a batch: a probe of each instance, or no open problem of their hosts in monitoring. */
export type HealthCheck =
  { url: string; expect_status: number; timeout_seconds: number; retries: number } | { zabbix: true };

/** A rollout in batches; without it the owner upgrades instances manually. */
export interface RollingStrategy {
  mode: 'rolling';
  batch_size: number;
  /** Counted over the whole rollout. */
  max_failures: number;
  pause_seconds: number;
  on_failure: (typeof onFailures)[number];
  /** Instances of a first, small batch; 0: none. */
  canary: number;
  health_check: HealthCheck | null;
}

/** An approved hook: its template, and the rendered text for one instance. */
export interface PlannedHook {
  name: HookName;
  script: { id: number; name: string; language: ScriptLanguage; template: string };
  runningUser: string | null;
}

/** How a runner reaches a machine. */
export interface PlannedMachine {
  /** Id of the host. */
  host: number;
  runner: RunnerName;
  /** SSH only. */
  address?: string;
  port?: number;
  /** Salt only: the effective id. */
  minion?: string;
  /** Local only: the name of the worker's machine. */
  worker?: string;
}

export interface PlannedInstance {
  instance: number;
  hostname: string;
  /** Absent in plans from before they named machines. */
  machine?: PlannedMachine;
  present_version: string | null;
  new_version: string;
  steps: string[];
  /** By hook the key of its rendered text in `hook_texts`; the text itself in plans without those. */
  hooks: Partial<Record<HookName, string>>;
  /** The URL of the rollout's health check; null: its host has no address for it. Absent: no check by URL. */
  health_url?: string | null;
}

/** The credential of a repository: a stored one by id, or one stored with the repository. */
export type PlannedCredential = { id: number } | { type: string; username: string };

/** The source of a package, without secrets. */
interface PlannedRepository {
  type: 'FTP' | 'GIT';
  url: string;
  /** GIT only. */
  branch?: string;
  /** Encoding of file names; absent: UTF-8. */
  encoding?: 'gbk';
  /** Null: anonymous. Absent in older plans. */
  credential?: PlannedCredential | null;
}

/** Heuristic decisions made while reading a package, shown to approvers. */
export const packageNotes = ['gbk_names', 'ambiguous_names', 'repeated_entries'] as const;
export type PackageNoteName = (typeof packageNotes)[number];

export interface PackageNote {
  note: PackageNoteName;
  count: number;
  /** The first affected entry. */
  example: string;
}

export interface PlannedPackage {
  source: string;
  /** Absent: the source is a path on the target hosts. */
  repository?: PlannedRepository;
  sha256: string | null;
  size: number | null;
  /** Why the checksum is missing. */
  unread: string | null;
  /** Absent: there are no notes. */
  notes?: PackageNote[];
}

/** The plan of a deploy task; votes are bound to its SHA-256, the plan hash. */
export interface DeployPlan {
  version: string;
  directory: string;
  deploy_path: string;
  run_user: string;
  startup_cmd: string;
  stop_cmd: string;
  pid_path: string;
  keep_backups: number;
  /** Absent: the default. */
  start_seconds?: number;
  stop_seconds?: number;
  package: PlannedPackage;
  hooks: PlannedHook[];
  instances: PlannedInstance[];
  /** Rendered hook texts by their SHA-256, hex. Absent in older plans, whose instances contain the texts. */
  hook_texts?: Record<string, string>;
  /** For rollouts: the strategy, and the timeout of each sub-task in seconds. */
  strategy?: RollingStrategy;
  timeout?: number;
}

/** Maximum size of a plan's canonical JSON, in bytes. */
export const mostPlanBytes = 8 * 1024 * 1024;

/** The batches of a rollout in order: the canary first, then groups of the batch size. */
export function batchesOf(instances: readonly number[], { canary, batch_size: size }: RollingStrategy): number[][] {
  const batches = canary > 0 ? [instances.slice(0, canary)] : [];
  for (let from = canary; from < instances.length; from += size) batches.push(instances.slice(from, from + size));
  return batches.filter(({ length }) => length > 0);
}

/** `deploy-task/42` */
export const deployTaskWorkflowId = (id: number): string => `deploy-task/${id}`;

/** `deploy-task/42/upgrade/3` */
export const subTaskWorkflowId = (deployTaskId: number, kind: SubTaskKind, number: number): string =>
  `${deployTaskWorkflowId(deployTaskId)}/${kind}/${number}`;

export interface DeployTaskInput {
  taskId: number;
  application: { id: number; fullName: string };
  creator: { id: number; username: string };
  level: Level;
  version: string;
  /** For tasks from before policies: approvals by anyone who may approve. */
  requiredApprovals: number;
  policy?: ApprovalPolicy;
  /** ISO 8601 */
  createdTime?: string;
  /** ISO 8601 */
  plannedExecTime: string;
  /** Starts automatically at that time. */
  autoStart?: boolean;
  /** It has a rolling strategy. */
  rolling?: boolean;
  /** State of an earlier run of this workflow (continue-as-new). */
  carried?: DeployTaskCarried;
}

interface DeployTaskCarried extends CarriedApproval {
  subTasks: number;
  held?: HeldStart | null;
  rollout?: RolloutState | null;
}

/** A start held by a freeze; without `by` it is an automatic one. */
export interface HeldStart {
  /** Null: the freeze has ended, and another task of the application runs. */
  freeze: FreezeRef | null;
  by: { actor: Actor; reason?: string | undefined } | null;
}

export interface FreezeRef {
  id: number;
  /** ISO 8601 */
  until: string;
}

/** The obstacles to an application's deploy task at a time. */
export interface Obstacles {
  /** The freeze that ends last. */
  freeze: FreezeRef | null;
  /** Another running task of the application. */
  running: number | null;
}

/** The freeze that holds the task, and the end of the pause between two batches (ISO 8601). */
export interface WaitShown {
  taskId: number;
  heldBy?: number | null;
  nextBatchTime?: string | null;
}

/** The steps of a rollout, from the approved plan. */
export interface RolloutPlan {
  strategy: RollingStrategy;
  timeoutSeconds: number;
  packageSource: string;
  /** Instance ids of the batches not begun. */
  batches: number[][];
}

export interface RolloutState extends RolloutPlan {
  failures: number;
  paused: boolean;
  heldBy: number | null;
  /** ISO 8601: before then no batch begins. */
  dueTime: string | null;
  /** The plan round of the batches; absent in older runs. */
  round?: number;
}

export const subTaskKinds = ['upgrade', 'revert'] as const;
export type SubTaskKind = (typeof subTaskKinds)[number];

export interface StartInput {
  actor: Actor;
  force: boolean;
  /** Overrides a freeze; requires a reason. */
  override?: boolean | undefined;
  reason?: string | undefined;
  /** A start without approval, by a user with these roles. */
  breakGlass?: { roles: number[] } | undefined;
}

export interface ChangeInput {
  actor: Actor;
  fields: DeployTaskFields;
}

/** Fields of a deploy task that its creator may change during review. */
export interface DeployTaskFields {
  version?: string | undefined;
  description?: string | undefined;
  level?: Level | undefined;
  packageSource?: string | undefined;
  /** ISO 8601 */
  plannedExecTime?: string | undefined;
  upgradeChecklist?: string | undefined;
  upgradeSteps?: string | undefined;
  rollbackSteps?: string | undefined;
  autoStart?: boolean | undefined;
  /** Null is manual. */
  strategy?: RollingStrategy | null | undefined;
}

export interface SubTaskRequest {
  actor: Actor;
  instanceIds: number[];
  version: string;
  /** Upgrades only: the location of the package. */
  updateSource: string | null;
  timeoutSeconds: number;
}

export interface SubTaskRef {
  taskId: number;
}

/** Instances per workflow; more are fanned out to children of this size. */
export const instancesPerChunk = 50;

/** Input of `subTaskChunk`. */
export interface SubTaskChunkInput extends SubTaskInput {
  /** From 1. */
  chunk: number;
  /** Hosts that it may work on at a time initially. */
  lanes: number;
  /** No later chunk needs its lanes. */
  isLast: boolean;
}

/** Input of `upgradeInstances` and `revertInstances`. */
export interface SubTaskInput {
  taskId: number;
  deployTaskId: number;
  kind: SubTaskKind;
  version: string;
  timeoutSeconds: number;
  hooks: HookName[];
  instances: SubTaskInstance[];
  /** Whether to put their hosts in maintenance: monitoring was configured when the sub-task was created. */
  maintenance?: true;
  /** Time limits of the application's start and stop; absent in older tasks. */
  seconds?: { start: number; stop: number };
  /** When its timeout ends, in ms since the epoch; set by the workflow. */
  endsAt?: number;
}

export interface SubTaskInstance {
  position: number;
  instanceId: number;
  hostname: string;
  previousVersion: string | null;
  /** Whether it may run and must be stopped first: recorded as running, or stoppable with its host deciding. */
  wasRunning: boolean;
}

export interface SubTaskOutcome {
  finished: number;
  failed: number;
  /** Why the whole sub-task failed, e.g. a global hook. */
  error?: string;
}

/** Wakes a waiting task to re-evaluate its conditions; carries no data. */
export const reconsiderSignal = defineSignal('reconsider');
export const startUpdate = defineUpdate<void, [StartInput]>('start');
export const changeUpdate = defineUpdate<void, [ChangeInput]>('change');
export const upgradeUpdate = defineUpdate<SubTaskRef, [SubTaskRequest]>('upgrade');
export const pauseUpdate = defineUpdate<void, [{ actor: Actor }]>('pause');
export const resumeUpdate = defineUpdate<void, [{ actor: Actor }]>('resume');
export const revertUpdate = defineUpdate<SubTaskRef, [SubTaskRequest]>('revert');

/** The steps of an upgrade on a host, in order; unset hooks are omitted. */
export const instanceSteps = ['fetch', 'pre_exec', 'stop', 'unpack', 'switch', 'start', 'check', 'post_exec'] as const;
export type InstanceStep = (typeof instanceSteps)[number];

/** The compensating steps. */
const undoSteps = ['stop_new', 'switch_back', 'drop_release', 'start_old'] as const;
export type UndoStep = (typeof undoSteps)[number];

export const stepNames = [
  ...instanceSteps,
  ...undoSteps,
  'global_pre_exec',
  'global_post_exec',
  'prune',
  'tidy',
] as const;
export type StepName = (typeof stepNames)[number];

/** One transition of a deploy task. */
export interface DeployTransition extends RequestTransition {
  taskId: number;
  also?: DeployAside | undefined;
}

/** Further columns of a deploy task's row; absent ones are unchanged. */
export interface DeployAside {
  heldBy?: number | null;
  paused?: boolean;
  /** Why it does not proceed automatically. */
  trouble?: Reason | null;
}

export interface SettleInput {
  taskId: number;
  position: number;
  status: 'finished' | 'failed';
  step: string | null;
  message: string | null;
  /** Whether the old release was restored. */
  undone: boolean;
}
