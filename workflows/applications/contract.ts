/** `unknown`: nobody can tell whether it runs; its host is asked by whatever is done to it next. */
export const instanceStatuses = ['stopped', 'running', 'restarting', 'updating', 'reverting', 'unknown'] as const;
export type InstanceStatus = (typeof instanceStatuses)[number];

/** What a response person answers for. */
export const responseTypes = ['dev', 'ops', 'qa', 'pm'] as const;
export type ResponseType = (typeof responseTypes)[number];

export const instanceActions = ['start', 'stop', 'restart'] as const;
export type InstanceAction = (typeof instanceActions)[number];

/** What an instance goes through, in this order; each action leaves out what is not its own. */
export const instanceActionSteps = ['stop', 'start', 'check'] as const;
export type InstanceActionStep = (typeof instanceActionSteps)[number];

/** `instance-task/5` */
export const instanceTaskWorkflowId = (taskId: number): string => `instance-task/${taskId}`;

/** Input of `instanceTask`. */
export interface InstanceTaskInput {
  taskId: number;
  action: InstanceAction;
  /** Of the whole task. */
  timeoutSeconds: number;
  batchSize: number;
  instances: InstanceTarget[];
  /** Whether their hosts are put in maintenance: monitoring was configured when the task was created. */
  maintenance?: true;
}

export interface InstanceTarget {
  position: number;
  hostname: string;
  /** Whether a restart has to stop it first, or to look whether it has to. */
  wasRunning: boolean;
}

export interface InstanceTaskOutcome {
  finished: number;
  failed: number;
}

/** What became of one instance; `left` is its status now, `unchanged` what it was before. */
export interface InstanceEnd {
  taskId: number;
  position: number;
  status: 'finished' | 'failed';
  left: 'running' | 'stopped' | 'unknown' | 'unchanged';
  step: InstanceActionStep | null;
  message: string | null;
  /** Of the timeout of its task; left out by workflows that did not tell. */
  secondsLeft?: number;
}
