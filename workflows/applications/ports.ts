import type { StepOutcome } from '../deploy/ports.ts';
import type { InstanceActionStep, InstanceEnd } from './contract.ts';

export interface InstanceStepInput {
  taskId: number;
  position: number;
  step: InstanceActionStep;
}

/** Activities that start and stop instances on their hosts. */
export interface InstanceActivities {
  /** Runs one step on one host: starts its command or finds it running, copies its output, returns at its end. */
  runInstanceStep(input: InstanceStepInput): Promise<StepOutcome>;
  /** Ends the remaining commands of a step whose worker could not. */
  killInstanceStep(input: InstanceStepInput): Promise<void>;
  /** Records the outcome of an instance and releases it. */
  settleInstanceAction(input: InstanceEnd): Promise<void>;
  /** Ends the task; releases instances that never began as failed, with `error` if given. */
  settleInstanceTask(input: { taskId: number; error: string | null }): Promise<void>;
}
