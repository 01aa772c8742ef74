/** `unknown`: its state is not known; the next action on it asks its host. */
export const instanceStatuses = ['stopped', 'running', 'restarting', 'updating', 'reverting', 'unknown'] as const;
export type InstanceStatus = (typeof instanceStatuses)[number];

/** The responsibility of a response person. */
export const responseTypes = ['dev', 'ops', 'qa', 'pm'] as const;
export type ResponseType = (typeof responseTypes)[number];

export const instanceActions = ['start', 'stop', 'restart'] as const;
export type InstanceAction = (typeof instanceActions)[number];

/** The steps of an instance, in order; each action omits those that do not apply. */
export type InstanceActionStep = 'stop' | 'start' | 'check';

/** `instance-task/5` */
export const instanceTaskWorkflowId = (taskId: number): string => `instance-task/${taskId}`;

/** Input of `instanceTask`. */
export interface InstanceTaskInput {
  taskId: number;
  action: InstanceAction;
  /** Timeout of the whole task. */
  timeoutSeconds: number;
  batchSize: number;
  instances: InstanceTarget[];
  /** Whether to put their hosts in maintenance: monitoring was configured when the task was created. */
  maintenance?: true;
}

export interface InstanceTarget {
  position: number;
  hostname: string;
  /** Whether a restart must stop it first, or check whether it runs. */
  wasRunning: boolean;
}

export interface InstanceTaskOutcome {
  finished: number;
  failed: number;
}

/** The outcome for one instance; `left` is its present status, `unchanged` its status before. */
export interface InstanceEnd {
  taskId: number;
  position: number;
  status: 'finished' | 'failed';
  left: 'running' | 'stopped' | 'unknown' | 'unchanged';
  step: InstanceActionStep | null;
  message: string | null;
  /** Left of the task's timeout; absent in older histories. */
  secondsLeft?: number;
}
