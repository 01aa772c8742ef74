import type { ApprovalPolicy, Claimed, DecideAttempt, DecideInput, Decider } from '../approvals/contract.ts';
import type { Actor } from '../tasks/contract.ts';
import type {
  DeployTaskFields,
  DeployTaskStatus,
  DeployTransition,
  FreezeRef,
  HealthCheck,
  Level,
  Obstacles,
  RolloutPlan,
  SettleInput,
  StepName,
  SubTaskInput,
  SubTaskKind,
  SubTaskRequest,
  WaitShown,
} from './contract.ts';

export interface CompletePlan {
  planHash: string;
  /** Why its package could not be read; absent in histories from before that kept anybody from voting. */
  unread?: string | null;
}

export interface RemadePlan {
  planHash: string;
  /** What changed against the present round, in words; null: nothing. */
  difference: string | null;
  /** The freeze that a start would have to wait for; histories from before there were any lack it. */
  freeze?: FreezeRef | null;
  /** Why the votes no longer suffice; null or absent: they do. */
  sentBack?: SentBack | null;
}

/** An approval that no longer holds. */
export interface SentBack {
  /** For people: whose votes are missing, and why. */
  reason: string;
  /** The policy that applies now, where the one that the task keeps does not suffice. */
  policy?: ApprovalPolicy;
}

export interface Unhealthy {
  hostname: string;
  /** For a person; nothing of what the instance answered. */
  message: string;
}

/** Short activities: one transaction in PostgreSQL each, run beside the workflow task. */
export interface DeployRecordActivities {
  recordTransition(input: DeployTransition & Claimed): Promise<void>;
  /** New fields and a new plan in another round. */
  recordChange(
    input: { taskId: number; seq: number; round: number; actor: Actor; fields: DeployTaskFields } & Claimed,
  ): Promise<{
    status: DeployTaskStatus;
    level: Level;
    version: string;
    requiredApprovals: number;
    /** Of another level perhaps; absent in histories from before there were policies. */
    policy?: ApprovalPolicy;
    plannedExecTime: string;
    autoStart?: boolean;
    rolling?: boolean;
  }>;
  /** `at` is the workflow's time, ISO 8601. */
  findObstacles(input: { taskId: number; at: string }): Promise<Obstacles>;
  /** An automatic or held start that was refused: it is not tried again. */
  recordRefusedStart(input: { taskId: number; problem: string }): Promise<void>;
  planRollout(input: { taskId: number }): Promise<RolloutPlan>;
  /** Before a batch: whether the approval still holds. */
  weighVotes(input: { taskId: number }): Promise<SentBack | null>;
  /** Shows what it waits for: what is left out stays. */
  recordWait(input: WaitShown): Promise<void>;
  /** What a rollout has upgraded so far, by the version from before; null: there was none. */
  listUpgraded(input: { taskId: number }): Promise<{ version: string | null; instanceIds: number[] }[]>;
  /** Takes the instances, writes the task with its scripts; the same number again answers the same task. */
  createSubTask(
    input: SubTaskRequest & { deployTaskId: number; kind: SubTaskKind; number: number } & Claimed,
  ): Promise<SubTaskInput>;
  /** Ends a running deploy task: `finished` if an upgrade succeeded and no instance is left half-way, else `failed`. */
  judgeDeploy(input: { deployTaskId: number }): Promise<{ complete: boolean; outcome: 'finished' | 'failed' }>;
  /** The actor of a chat message and what he is now; throws Problem when he may not decide. */
  authorizeDecision(input: { taskId: number; decide: DecideInput; proof?: string }): Promise<Decider>;
  recordRefusedDecision(input: { taskId: number; attempt: DecideAttempt; problem: string }): Promise<void>;
}

/** Activities that go to a host and may take as long as the sub-task's timeout. */
export interface DeployActivities {
  /** Reads the package for its checksum and fixes the plan of this round, made when the task was created or changed. */
  completePlan(input: { taskId: number; round: number }): Promise<CompletePlan>;
  /** Makes the plan again, now. */
  remakePlan(input: { taskId: number; round: number; at?: string } & Claimed): Promise<RemadePlan>;
  /** Whether the package of a plan can be read now. */
  canReadPackage(input: { taskId: number; round: number }): Promise<boolean>;
  /** Makes the plan of the next round of a task whose package can be read by now; null: it can't. */
  rereadPlan(input: { taskId: number; round: number }): Promise<{ planHash: string; difference: string | null } | null>;
  /** Makes the plan of another round, of a task that goes back to review while it runs. */
  replan(input: { taskId: number; round: number }): Promise<{ planHash: string }>;
  /** Which of the instances that a sub-task has upgraded do not pass. */
  checkHealth(input: { taskId: number; subTaskId: number; check: HealthCheck }): Promise<Unhealthy[]>;
  /** One step on one host: starts its command or finds it running, copies its output, answers when it has ended. */
  runStep(input: StepInput): Promise<StepOutcome>;
  /** Ends what may still run of a step whose worker could not do so itself. */
  killStep(input: StepInput): Promise<void>;
  settleInstance(input: SettleInput): Promise<void>;
  /** Ends a sub-task; instances that never began are released as failed with `error`. */
  settleSubTask(input: { taskId: number; error: string | null }): Promise<void>;
}

export interface StepInput {
  taskId: number;
  position: number;
  step: StepName;
  /** Of an undo: what is left of the sub-task's timeout; left out by workflows that did not tell. */
  secondsLeft?: number;
}

export interface StepOutcome {
  ok: boolean;
  /** For a person, when it failed. */
  message: string | null;
}
