// Starts, stops and restarts instances in batches; after a failure in a batch no further one begins. Every step is a command
// that its host runs once. The timeout covers the whole task and kills running commands.
import {
  ActivityCancellationType,
  CancellationScope,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { holdHosts, maintenanceOptions } from '../maintenance/hold.ts';
import type { StepOutcome } from '../deploy/ports.ts';
import type { MaintenanceActivities } from '../maintenance/ports.ts';
import { rootFailure } from '../lib/problem-failure.ts';
import type {
  InstanceActionStep,
  InstanceEnd,
  InstanceTarget,
  InstanceTaskInput,
  InstanceTaskOutcome,
} from './contract.ts';
import type { InstanceActivities } from './ports.ts';

// Unlimited attempts: an unreachable host is retried until the task's own timeout.
const { runInstanceStep, settleInstanceAction, settleInstanceTask } = proxyActivities<InstanceActivities>({
  startToCloseTimeout: '2 hours',
  heartbeatTimeout: '5 seconds',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '500 milliseconds', maximumInterval: '5 seconds' },
});

/** Used after the task's timeout; a host that does not respond within this time is abandoned. */
const { killInstanceStep } = proxyActivities<InstanceActivities>({
  startToCloseTimeout: '1 minute',
  scheduleToCloseTimeout: '1 minute',
  heartbeatTimeout: '5 seconds',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '5 seconds' },
});

const maintenance = proxyActivities<MaintenanceActivities>(maintenanceOptions);

/** With the end of the task's timeout, in ms since the epoch. */
type TimedInput = InstanceTaskInput & { endsAt: number };

/** The outcome for one instance, as decided by its steps. */
type End = Pick<InstanceEnd, 'status' | 'left' | 'step' | 'message'>;

/** Starts, stops or restarts instances of one application. */
export async function instanceTask(input: InstanceTaskInput): Promise<InstanceTaskOutcome> {
  const { taskId, timeoutSeconds, instances } = input;
  const release = input.maintenance ? await holdHosts(maintenance, taskId) : null;
  const scope = new CancellationScope({ cancellable: true, timeout: timeoutSeconds * 1000 });
  const finished = await scope.run(() => inBatches({ ...input, endsAt: Date.now() + timeoutSeconds * 1000 }));
  await release?.();
  const failed = instances.length - finished;
  await CancellationScope.nonCancellable(() =>
    settleInstanceTask({ taskId, error: failed > 0 && scope.consideredCancelled ? cutShort(scope, input) : null }),
  );
  upsertSearchAttributes({ SlipwayStatus: [failed === 0 ? 'finished' : 'failed'] });
  setCurrentDetails(`**${failed === 0 ? 'finished' : 'failed'}**: ${progress(input, finished)}`);
  return { finished, failed };
}

/** Why running work was cancelled: an operator's cancellation reaches the workflow's own scope, the timeout does not. */
const cutShort = (scope: CancellationScope, { timeoutSeconds }: InstanceTaskInput): string =>
  scope.parent?.consideredCancelled ? 'cancelled by an operator' : `timed out after ${timeoutSeconds} s`;

const progress = ({ action, instances }: InstanceTaskInput, finished: number): string =>
  `${action}: ${finished} of ${instances.length} instances done`;

/** Returns the number of finished instances; never throws. */
async function inBatches(input: TimedInput): Promise<number> {
  const { instances, batchSize } = input;
  let finished = 0;
  for (let start = 0; start < instances.length; start += batchSize) {
    if (CancellationScope.current().consideredCancelled) break;
    setCurrentDetails(`**running**: ${progress(input, finished)}`);
    const batch = instances.slice(start, start + batchSize);
    const done = await Promise.all(batch.map((instance) => settled(input, instance)));
    finished += done.filter(Boolean).length;
    if (!done.every(Boolean)) break;
  }
  return finished;
}

const secondsUntil = (endsAt: number): number => Math.max(0, Math.ceil((endsAt - Date.now()) / 1000));

/** Drives one instance to its end and records the outcome; never throws. */
async function settled(input: TimedInput, instance: InstanceTarget): Promise<boolean> {
  const { taskId } = input;
  const { position } = instance;
  const end = await act(input, instance);
  const secondsLeft = CancellationScope.current().consideredCancelled ? 0 : secondsUntil(input.endsAt);
  await CancellationScope.nonCancellable(() => settleInstanceAction({ taskId, position, ...end, secondsLeft }));
  return end.status === 'finished';
}

/** The steps of an action: a failed stop leaves the instance unchanged, a later failure leaves it stopped. */
async function act(input: InstanceTaskInput, instance: InstanceTarget): Promise<End> {
  const { action } = input;
  const { wasRunning } = instance;
  const steps: InstanceActionStep[] = [
    ...(action === 'stop' || (action === 'restart' && wasRunning) ? (['stop'] as const) : []),
    ...(action === 'stop' ? [] : (['start', 'check'] as const)),
  ];
  const said: string[] = [];
  for (const step of steps) {
    const { ok, message } = await outcomeOf(input, instance, step);
    if (message !== null) said.push(`${step}: ${message}`);
    if (!ok)
      return { status: 'failed', left: step === 'stop' ? 'unchanged' : 'stopped', step, message: said.join('; ') };
  }
  const message = said.length > 0 ? said.join('; ') : null;
  return { status: 'finished', left: action === 'stop' ? 'stopped' : 'running', step: null, message };
}

/** The result of a step, with its error or finding. */
async function outcomeOf(
  input: InstanceTaskInput,
  { position, hostname }: InstanceTarget,
  step: InstanceActionStep,
): Promise<StepOutcome> {
  const at = { taskId: input.taskId, position, step };
  // Named for readers of the history and for replay, which requires the same order of steps.
  const named = { activityId: `${step}-${position}`, summary: `${step} on ${hostname}` };
  try {
    const { ok, message } = await runInstanceStep.executeWithOptions(named, [at]);
    return { ok, message: ok ? message : (message ?? 'failed') };
  } catch (error) {
    const killed = await kill(at);
    const why = isCancellation(error) ? cutShort(CancellationScope.current(), input) : rootMessage(error);
    return { ok: false, message: killed ? why : `${why}; whether its command still runs is not known` };
  }
}

/** Ends the command of a step cancelled while no worker ran it. */
async function kill(at: Parameters<InstanceActivities['killInstanceStep']>[0]): Promise<boolean> {
  try {
    await CancellationScope.nonCancellable(() => killInstanceStep(at));
    return true;
  } catch {
    return false;
  }
}

function rootMessage(error: unknown): string {
  const root = rootFailure(error);
  return root instanceof Error ? root.message : String(root);
}
