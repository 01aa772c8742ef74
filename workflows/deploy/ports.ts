import type { ApprovalPolicy, Claimed, DecideAttempt, DecideInput, Decider, SentBack } from '../approvals/contract.ts';
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
import type { Reason } from '../problems/problem.ts';

export interface CompletePlan {
  planHash: string;
  /** Why its package could not be read; absent in older histories. */
  unread?: string | null;
}

export interface RemadePlan {
  planHash: string;
  /** The difference to the present round; null: none. A sentence in older histories, as `SentBack.reason`. */
  difference: Reason | null;
  /** The freeze that holds a start; absent in older histories. */
  freeze?: FreezeRef | null;
  /** Why the votes no longer suffice; null or absent: they do. */
  sentBack?: SentBack | null;
}

export interface Unhealthy {
  hostname: string;
  /** For a person; nothing from the instance's response. */
  message: string;
}

/** Short activities: one transaction in PostgreSQL each (docs/decisions/0003). */
export interface DeployRecordActivities {
  recordTransition(input: DeployTransition & Claimed): Promise<void>;
  /** Records new fields and a new plan in another round. */
  recordChange(
    input: { taskId: number; seq: number; round: number; actor: Actor; fields: DeployTaskFields } & Claimed,
  ): Promise<{
    status: DeployTaskStatus;
    level: Level;
    version: string;
    requiredApprovals: number;
    /** May be for another level; absent in older histories. */
    policy?: ApprovalPolicy;
    plannedExecTime: string;
    autoStart?: boolean;
    rolling?: boolean;
  }>;
  /** `at` is the workflow's time, ISO 8601. */
  findObstacles(input: { taskId: number; at: string }): Promise<Obstacles>;
  /** Records the refusal of an automatic or held start, which is not retried. */
  recordRefusedStart(input: { taskId: number; problem: Reason }): Promise<void>;
  planRollout(input: { taskId: number }): Promise<RolloutPlan>;
  /** Before a batch: whether the approval still holds. */
  weighVotes(input: { taskId: number }): Promise<SentBack | null>;
  /** Records what the task waits for; absent fields are unchanged. */
  recordWait(input: WaitShown): Promise<void>;
  /** The instances that a rollout has upgraded so far, by previous version; null: there was none. */
  listUpgraded(input: { taskId: number }): Promise<{ version: string | null; instanceIds: number[] }[]>;
  /** Locks the instances and writes the task with its scripts; idempotent by number. */
  createSubTask(
    input: SubTaskRequest & { deployTaskId: number; kind: SubTaskKind; number: number } & Claimed,
  ): Promise<SubTaskInput>;
  /** Ends a running deploy task: `finished` if an upgrade succeeded and no instance is left half-way, else `failed`. */
  judgeDeploy(input: { deployTaskId: number }): Promise<{ complete: boolean; outcome: 'finished' | 'failed' }>;
  /** Looks up the actor of a chat message with their present rights; throws Problem when they may not decide. */
  authorizeDecision(input: { taskId: number; decide: DecideInput; proof?: string }): Promise<Decider>;
  recordRefusedDecision(input: { taskId: number; attempt: DecideAttempt; problem: Reason }): Promise<void>;
}

/** Activities that go to a host and may take as long as the sub-task's timeout. */
export interface DeployActivities {
  /** Reads the package's checksum and completes the plan of this round, made when the task was created or changed. */
  completePlan(input: { taskId: number; round: number }): Promise<CompletePlan>;
  /** Makes the plan again from the present state. */
  remakePlan(input: { taskId: number; round: number; at?: string } & Claimed): Promise<RemadePlan>;
  /** Whether a plan's package is readable now. */
  canReadPackage(input: { taskId: number; round: number }): Promise<boolean>;
  /** Makes the next round's plan of a task whose package has become readable; null: it is not. */
  rereadPlan(input: { taskId: number; round: number }): Promise<{ planHash: string; difference: Reason | null } | null>;
  /** Makes another round's plan for a task that returns to review while running. */
  replan(input: { taskId: number; round: number }): Promise<{ planHash: string }>;
  /** The instances upgraded by a sub-task that fail the check. */
  checkHealth(input: { taskId: number; subTaskId: number; check: HealthCheck }): Promise<Unhealthy[]>;
  /** Runs one step on one host: starts its command or finds it running, copies its output, returns at its end. */
  runStep(input: StepInput): Promise<StepOutcome>;
  /** Ends the remaining commands of a step whose worker could not. */
  killStep(input: StepInput): Promise<void>;
  settleInstance(input: SettleInput): Promise<void>;
  /** Ends a sub-task; releases instances that never began as failed with `error`. */
  settleSubTask(input: { taskId: number; error: string | null }): Promise<void>;
}

export interface StepInput {
  taskId: number;
  position: number;
  step: StepName;
  /** For an undo: what is left of the sub-task's timeout; absent in older histories. */
  secondsLeft?: number;
}

export interface StepOutcome {
  ok: boolean;
  /** For a person, on failure. */
  message: string | null;
}
