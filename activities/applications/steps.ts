// Which commands starting and stopping an instance is made of: the application's own, as its user, then a look at the
// process in the pid file. The process decides about a stop: that of an instance that had died by itself succeeds.
import type { StepRow } from '../../db/deploy/steps.ts';
import type { InstanceActionStep } from '../../workflows/applications/contract.ts';
import { checkLives, look } from '../deploy/host-scripts.ts';
import { command, stopping, whenPid } from '../deploy/steps.ts';
import type { StepBody } from '../deploy/steps.ts';
import type { StepJob } from '../step.ts';

export interface InstanceStepContext {
  row: StepRow;
  /** Where an absolute path lies on this host. */
  path(absolute: string): string;
  workingDirectory: string;
}

/** The jobs of a step in their order; none: there is nothing to do. `isSure`: of a stop, that something is known to run. */
export const instanceJobs = (step: InstanceActionStep, context: InstanceStepContext, isSure = true): StepJob[] =>
  bodies(step, context.row.setup, isSure).map((body, index) => jobOf(step, context, body, index));

/** A look whether the process of the pid file lives; undefined: there is no pid file, so nobody can tell. */
export function instanceLook(step: string, context: InstanceStepContext): StepJob | undefined {
  const [body] = whenPid(context.row.setup, look);
  return body && jobOf(step, context, body, 'look');
}

function jobOf(step: string, context: InstanceStepContext, body: StepBody, name: number | 'look'): StepJob {
  const { taskId, position } = context.row;
  const { script, user, inRelease, mayFail = false } = body;
  return {
    id: `t${taskId}-p${position}-${step}-${name}`,
    ...{ script, user, env: environment(context), mayFail },
    cwd: inRelease === false ? '/' : context.workingDirectory,
  };
}

function bodies(step: InstanceActionStep, setup: StepRow['setup'], isSure: boolean): StepBody[] {
  switch (step) {
    case 'stop':
      return stopping(setup, !isSure);
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
