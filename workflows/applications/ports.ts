import type { StepOutcome } from '../deploy/ports.ts';
import type { InstanceActionStep, InstanceEnd } from './contract.ts';

export interface InstanceStepInput {
  taskId: number;
  position: number;
  step: InstanceActionStep;
}

/** What starts and stops instances on their hosts. */
export interface InstanceActivities {
  /** One step on one host: starts its command or finds it running, copies its output, answers when it has ended. */
  runInstanceStep(input: InstanceStepInput): Promise<StepOutcome>;
  /** Ends what may still run of a step whose worker could not do so itself. */
  killInstanceStep(input: InstanceStepInput): Promise<void>;
  /** Writes what became of an instance and sets it free. */
  settleInstanceAction(input: InstanceEnd): Promise<void>;
  /** Ends the task; instances that never began are released as failed, with `error` where there is one. */
  settleInstanceTask(input: { taskId: number; error: string | null }): Promise<void>;
}
