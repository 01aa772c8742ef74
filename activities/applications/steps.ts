// The commands that start and stop an instance: the application's own, as its user, then a check of its process. The process
// decides whether a stop succeeded, so stopping an instance that already died succeeds.
import type { StepRow } from '../../db/deploy/steps.ts';
import type { InstanceActionStep } from '../../workflows/applications/contract.ts';
import { checking, ending, endingTold, startMark, starting, stepJobs, stepLook, stopping } from '../deploy/steps.ts';
import type { StepBody, StepPlace, Told } from '../deploy/steps.ts';
import type { StepJob } from '../tasks/run-step.ts';

export interface InstanceStepContext {
  row: StepRow;
  /** Where an absolute path lies on this host. */
  path(absolute: string): string;
  workingDirectory: string;
  /** Additional environment of Slipway's own scripts. */
  ownEnv: Record<string, string>;
}

/** The jobs of a step in order; empty: nothing to do. `isSure`: for a stop, something is known to run. */
export const instanceJobs = (
  step: InstanceActionStep,
  context: InstanceStepContext,
  told: Told = {},
  isSure = true,
): StepJob[] => stepJobs(step, bodies(step, context.row, told, isSure), placeOf(context));

/** A look at the application's process; undefined: without a pid file its state is unknown. */
export const instanceLook = (step: string, context: InstanceStepContext): StepJob | undefined =>
  stepLook(step, context.row.setup, placeOf(context));

/** The jobs that, after a failure, end processes still stopping, or started but not in the pid file. */
export const instanceEnding = (step: InstanceActionStep, context: InstanceStepContext, told: Told): StepJob[] => {
  const { row } = context;
  const body = step === 'stop' ? endingTold(row.setup, told) : ending(row.setup, [startMark(row, 'start')], told, true);
  return stepJobs('settle', [body], placeOf(context));
};

const placeOf = (context: InstanceStepContext): StepPlace => ({
  taskId: context.row.taskId,
  position: context.row.position,
  workingDirectory: context.workingDirectory,
  env: environment(context),
  ownEnv: context.ownEnv,
});

function bodies(step: InstanceActionStep, row: StepRow, told: Told, isSure: boolean): StepBody[] {
  switch (step) {
    case 'stop':
      return stopping(row.setup, !isSure, told);
    case 'start':
      return starting(row, step);
    case 'check':
      return checking(row.setup, told);
  }
}

function environment({ row, path }: InstanceStepContext): Record<string, string> {
  const { setup, taskId, previousVersion } = row;
  return {
    SLIPWAY_TASK: String(taskId),
    SLIPWAY_VERSION: previousVersion ?? '',
    SLIPWAY_PREVIOUS_VERSION: '',
    SLIPWAY_DEPLOY_PATH: setup.deployPath === '' ? '' : path(setup.deployPath),
    SLIPWAY_PID_FILE: setup.pidPath === '' ? '' : path(setup.pidPath),
    SLIPWAY_RUN_USER: setup.runUser,
  };
}
