// What outsiders may know of a deploy task and its sub-tasks.
import { defineSignal, defineUpdate } from '@temporalio/workflow';
import { requestStatuses } from '../approvals/contract.ts';
import type { ApprovalPolicy, OpenTo, RequestStatus, Voter } from '../approvals/contract.ts';
import type { CarriedApproval } from '../approvals/state.ts';
import type { RunnerName } from '../hosts/contract.ts';
import type { Actor } from '../tasks/contract.ts';

export const levels = ['S', 'A', 'B', 'C', 'I'] as const;
export type Level = (typeof levels)[number];

/** Distinct approvals that each level needs where no policy says otherwise. */
export const approvalsOfLevel: Record<Level, number> = { S: 2, A: 1, B: 1, C: 1, I: 0 };

export const deployTaskStatuses = requestStatuses;
export type DeployTaskStatus = RequestStatus;

export const hookNames = ['global_pre_exec', 'pre_exec', 'post_exec', 'global_post_exec'] as const;
export type HookName = (typeof hookNames)[number];

export interface Hook {
  running_user: string | null;
  script: { id: number };
}
export type LifecycleHooks = { running_user?: string | null } & Partial<Record<HookName, Hook | null>>;

export const scriptLanguages = ['bash', 'python'] as const;
export type ScriptLanguage = (typeof scriptLanguages)[number];

export const onFailures = ['pause', 'revert', 'continue'] as const;

/** What gates a batch: a probe of each of its instances, or no open problem of their hosts in the monitoring. */
export type HealthCheck =
  { url: string; expect_status: number; timeout_seconds: number; retries: number } | { zabbix: true };

/** A rollout batch after batch; without one the owner upgrades instances as he likes. */
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

/** A hook as it was approved: the template, and what it renders to for one instance. */
export interface PlannedHook {
  name: HookName;
  script: { id: number; name: string; language: ScriptLanguage; template: string };
  runningUser: string | null;
}

/** A machine as its runner reaches it. */
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
  /** Left out in plans from before they named machines. */
  machine?: PlannedMachine;
  present_version: string | null;
  new_version: string;
  steps: string[];
  /** By hook the key of its rendered text in `hook_texts`; the text itself in plans without those. */
  hooks: Partial<Record<HookName, string>>;
  /** What the health check of a rollout calls; null: its host has no address for it. Left out: none is called. */
  health_url?: string | null;
}

/** What opens a repository: a stored credential by id, or one that is stored with the repository. */
export type PlannedCredential = { id: number } | { type: string; username: string };

/** Where a package comes from, without what opens it. */
export interface PlannedRepository {
  type: 'FTP' | 'GIT';
  url: string;
  /** GIT only. */
  branch?: string;
  /** Of the names of files; left out: UTF-8. */
  encoding?: 'gbk';
  /** Null: anonymous. Left out in plans from before they named it. */
  credential?: PlannedCredential | null;
}

/** What is decided while a package is read and may be wrong: approvers see it. */
export const packageNotes = ['gbk_names', 'ambiguous_names', 'repeated_entries'] as const;
export type PackageNoteName = (typeof packageNotes)[number];

export interface PackageNote {
  note: PackageNoteName;
  count: number;
  /** The first entry that it is about. */
  example: string;
}

export interface PlannedPackage {
  source: string;
  /** Left out: the source is a path on the target hosts. */
  repository?: PlannedRepository;
  sha256: string | null;
  size: number | null;
  /** Why there is no checksum (yet). */
  unread: string | null;
  /** Left out: there is nothing to say. */
  notes?: PackageNote[];
}

/** What a deploy task will do; its SHA-256 is the plan hash that votes are bound to. */
export interface DeployPlan {
  version: string;
  directory: string;
  deploy_path: string;
  run_user: string;
  startup_cmd: string;
  stop_cmd: string;
  pid_path: string;
  keep_backups: number;
  /** Left out: the default. */
  start_seconds?: number;
  stop_seconds?: number;
  package: PlannedPackage;
  hooks: PlannedHook[];
  instances: PlannedInstance[];
  /** Rendered texts of hooks by their SHA-256, hex. Left out in plans from before, whose instances have the texts. */
  hook_texts?: Record<string, string>;
  /** Of a rollout: how it goes, and the timeout of each of its sub-tasks in seconds. */
  strategy?: RollingStrategy;
  timeout?: number;
}

/** Most bytes of the canonical JSON of a plan. */
export const mostPlanBytes = 8 * 1024 * 1024;

/** The batches of a rollout, in order: the canary first, then as many instances at a time as its batch size says. */
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
  /** Of a task from before there were policies: approvals by anybody who may. */
  requiredApprovals: number;
  policy?: ApprovalPolicy;
  /** ISO 8601 */
  createdTime?: string;
  /** ISO 8601 */
  plannedExecTime: string;
  /** It starts by itself at that time. */
  autoStart?: boolean;
  /** It has a rolling strategy. */
  rolling?: boolean;
  /** What an earlier run of this workflow had reached (continue-as-new). */
  carried?: DeployTaskCarried;
}

export interface DeployTaskCarried extends CarriedApproval {
  subTasks: number;
  held?: HeldStart | null;
  rollout?: RolloutState | null;
}

/** A start that waits for a freeze to end; without `by` it is an automatic one. */
export interface HeldStart {
  /** Null: it has ended, and another task of the application runs. */
  freeze: FreezeRef | null;
  by: { actor: Actor; reason?: string | undefined } | null;
}

export interface FreezeRef {
  id: number;
  /** ISO 8601 */
  until: string;
}

/** What keeps a deploy task of an application from going on at a moment. */
export interface Obstacles {
  /** The one that ends last. */
  freeze: FreezeRef | null;
  /** Another task of the application that runs. */
  running: number | null;
}

/** The freeze that holds it, and when the pause between two batches ends (ISO 8601). */
export interface WaitShown {
  taskId: number;
  heldBy?: number | null;
  nextBatchTime?: string | null;
}

/** What a rollout is to do, from the approved plan. */
export interface RolloutPlan {
  strategy: RollingStrategy;
  timeoutSeconds: number;
  packageSource: string;
  /** Instance ids of the batches that have not begun. */
  batches: number[][];
}

export interface RolloutState extends RolloutPlan {
  failures: number;
  paused: boolean;
  heldBy: number | null;
  /** ISO 8601: before then no batch begins. */
  dueTime: string | null;
  /** The round of the plan that the batches are of; absent in runs from before. */
  round?: number;
}

export const subTaskKinds = ['upgrade', 'revert'] as const;
export type SubTaskKind = (typeof subTaskKinds)[number];

export interface StartInput {
  actor: Actor;
  force: boolean;
  /** Goes through a freeze; its reason is then required. */
  override?: boolean | undefined;
  reason?: string | undefined;
  /** A start without waiting for the approval, by somebody with these roles. */
  breakGlass?: { roles: number[] } | undefined;
}

export interface ChangeInput {
  actor: Actor;
  fields: DeployTaskFields;
}

/** Fields of a deploy task that its creator may still change while it is under review. */
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
  /** Upgrades only: where the package lies. */
  updateSource: string | null;
  timeoutSeconds: number;
}

export interface SubTaskRef {
  taskId: number;
}

/** Instances that one workflow works on directly; more go to children of this size. */
export const instancesPerChunk = 50;

/** Input of `subTaskChunk`. */
export interface SubTaskChunkInput extends SubTaskInput {
  /** From 1. */
  chunk: number;
  /** Hosts that it may work on at a time from the beginning. */
  lanes: number;
  /** Nobody waits for its lanes. */
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
  /** Whether their hosts are put in maintenance: monitoring was configured when the sub-task was created. */
  maintenance?: true;
  /** How long a start and a stop of the application may take; left out in tasks from before there were settings for it. */
  seconds?: { start: number; stop: number };
  /** When its timeout ends, in ms since the epoch; set by the workflow. */
  endsAt?: number;
}

export interface SubTaskInstance {
  position: number;
  instanceId: number;
  hostname: string;
  previousVersion: string | null;
  /** Whether it may run and has to be stopped first: it is recorded so, or can be stopped and its host is to say whether it runs. */
  wasRunning: boolean;
}

export interface SubTaskOutcome {
  finished: number;
  failed: number;
  /** Why the sub-task failed as a whole, as by one of its global hooks. */
  error?: string;
}

/** News that a waiting task should look again at what it waits for; it says nothing itself. */
export const reconsiderSignal = defineSignal('reconsider');
export const startUpdate = defineUpdate<void, [StartInput]>('start');
export const changeUpdate = defineUpdate<void, [ChangeInput]>('change');
export const upgradeUpdate = defineUpdate<SubTaskRef, [SubTaskRequest]>('upgrade');
export const pauseUpdate = defineUpdate<void, [{ actor: Actor }]>('pause');
export const resumeUpdate = defineUpdate<void, [{ actor: Actor }]>('resume');
export const revertUpdate = defineUpdate<SubTaskRef, [SubTaskRequest]>('revert');

/** Everything that a host goes through in an upgrade, in this order; hooks that are not set are left out. */
export const instanceSteps = ['fetch', 'pre_exec', 'stop', 'unpack', 'switch', 'start', 'check', 'post_exec'] as const;
export type InstanceStep = (typeof instanceSteps)[number];

/** What takes a step back. */
export const undoSteps = ['stop_new', 'switch_back', 'drop_release', 'start_old'] as const;
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

/** One transition of a deploy task, as the row, its history and the audit record it. */
export interface DeployTransition {
  taskId: number;
  /** Ascending; a late or repeated one changes nothing. */
  seq: number;
  event: string;
  actor: Actor;
  reason?: string | null | undefined;
  status?: DeployTaskStatus | undefined;
  vote?: { round: number; planHash: string; step: number; voter: Voter | undefined } | undefined;
  delegation?: { phase: 'review' | 'ownership'; toId: number } | undefined;
  /** Opens another round: the votes of the present one are void. */
  planRound?: number | undefined;
  planHash?: string | undefined;
  brokeGlass?: true | undefined;
  /** Another policy than the one kept so far. */
  policy?: ApprovalPolicy | undefined;
  /** Votes that it asks for. */
  requiredApprovals?: number | undefined;
  /** Of the state after it, as is the rest. */
  isEscalated: boolean;
  openTo: OpenTo;
  /** ISO 8601: from when the hours of the policy count. */
  reviewSince: string;
  also?: DeployAside | undefined;
}

/** What a deploy task's row shows besides its status; what is left out stays. */
export interface DeployAside {
  heldBy?: number | null;
  paused?: boolean;
  /** Why it does not go on by itself. */
  trouble?: string | null;
}

export interface SettleInput {
  taskId: number;
  position: number;
  status: 'finished' | 'failed';
  step: string | null;
  message: string | null;
  /** Whether the old release could be brought back. */
  undone: boolean;
}
