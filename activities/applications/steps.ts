// Which commands starting and stopping an instance is made of: the application's own, as its user, then a look at the
// process in the pid file. The process decides about a stop: that of an instance that had died by itself succeeds.
import type { StepRow } from '../../db/deploy/steps.ts';
import type { InstanceActionStep } from '../../workflows/applications/contract.ts';
import { checkGone, checkLives } from '../deploy/host-scripts.ts';
import { command, whenPid } from '../deploy/steps.ts';
import type { StepBody } from '../deploy/steps.ts';
import type { StepJob } from '../step.ts';

export interface InstanceStepContext {
  position: number;
  row: StepRow;
  /** Where an absolute path lies on this host. */
  path(absolute: string): string;
  workingDirectory: string;
}

/** The jobs of a step in their order; none: there is nothing to do. */
export function instanceJobs(step: InstanceActionStep, context: InstanceStepContext): StepJob[] {
  const { taskId } = context.row;
  const env = environment(context);
  return bodies(step, context.row.setup).map(({ script, user, inRelease, mayFail = false }, index) => ({
    id: `t${taskId}-p${context.position}-${step}-${index}`,
    ...{ script, user, env, mayFail },
    cwd: inRelease === false ? '/' : context.workingDirectory,
  }));
}

function bodies(step: InstanceActionStep, setup: StepRow['setup']): StepBody[] {
  switch (step) {
    case 'stop': {
      const check = whenPid(setup, checkGone);
      return [...command(setup.stopCmd, setup).map((body) => ({ ...body, mayFail: check.length > 0 })), ...check];
    }
    case 'start':
      return command(setup.startupCmd, setup);
    case 'check':
      return whenPid(setup, checkLives);
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
