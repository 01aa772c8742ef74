// A sub-task in order: the global hook once, then each instance through its steps with its undo stack, at most ten at a
// time, then the closing hook. Every step is a command that the host runs once. The timeout covers the whole sub-task, kills
// running commands and undoes completed steps. See chunks.ts for many instances.
import {
  ActivityCancellationType,
  CancellationScope,
  isCancellation,
  patched,
  proxyActivities,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { holdHosts, maintenanceOptions } from '../maintenance/hold.ts';
import type { MaintenanceActivities } from '../maintenance/ports.ts';
import { rootFailure } from '../lib/problem-failure.ts';
import { searchAttributes } from '../lib/search-attributes.ts';
import { UndoStack } from '../lib/undo.ts';
import { forEachLimited } from '../lib/for-each-limited.ts';
import { inChunks, inLanes } from './chunks.ts';
import { instancesPerChunk } from './contract.ts';
import type {
  StepName,
  SubTaskChunkInput,
  SubTaskInput,
  SubTaskInstance,
  SubTaskOutcome,
  UndoStep,
} from './contract.ts';
import type { DeployActivities } from './ports.ts';

const atOnce = 10;

// Unlimited attempts: an unreachable host is retried until the sub-task's own timeout.
const { runStep, settleInstance, settleSubTask } = proxyActivities<DeployActivities>({
  startToCloseTimeout: '1 day',
  heartbeatTimeout: '5 seconds',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '500 milliseconds', maximumInterval: '5 seconds' },
});

const undoSeconds = 600;

/** An undo has its own timeout, as it is needed most when the sub-task's has expired. */
const undo = proxyActivities<DeployActivities>({
  startToCloseTimeout: undoSeconds * 1000,
  scheduleToCloseTimeout: undoSeconds * 1000,
  heartbeatTimeout: '5 seconds',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '5 seconds' },
});

const maintenance = proxyActivities<MaintenanceActivities>(maintenanceOptions);

class StepFailedError extends Error {
  readonly step: StepName;

  constructor(step: StepName, message: string) {
    super(message);
    this.step = step;
  }
}

/** Upgrades instances to a new version; `SubTaskInput.hooks` names the configured hooks. */
export const upgradeInstances = (input: SubTaskInput): Promise<SubTaskOutcome> => runSubTask(input);

/** Switches instances back to a kept release. */
export const revertInstances = (input: SubTaskInput): Promise<SubTaskOutcome> => runSubTask(input);

/** Up to fifty instances of a larger sub-task. */
export const subTaskChunk = (input: SubTaskChunkInput): Promise<SubTaskOutcome> =>
  inLanes(input, atOnce, (instance) => settled(input, instance));

/** Runs steps on one instance; pushes each inverse before the step is tried. */
const stepsOf =
  (input: SubTaskInput, instance: SubTaskInstance, undoing: UndoStack) =>
  async (name: StepName, inverse?: UndoStep): Promise<void> => {
    ensureTimeLeft(input, name);
    const scope = CancellationScope.current();
    if (inverse) undoing.push(() => takeBack(input, instance, inverse, scope));
    await run(input, instance, name, undoing);
  };

/** After the timeout no step begins, and no inverse is pushed for it: that would change what runs. */
function ensureTimeLeft({ timeoutSeconds }: SubTaskInput, step: StepName): void {
  if (CancellationScope.current().consideredCancelled && patched('nothing-begins'))
    throw new StepFailedError(step, `timed out after ${timeoutSeconds} s, before ${step}`);
}

async function runSubTask(given: SubTaskInput): Promise<SubTaskOutcome> {
  const release = given.maintenance ? await holdHosts(maintenance, given.taskId) : null;
  const input = { ...given, endsAt: Date.now() + given.timeoutSeconds * 1000 };
  const scope = new CancellationScope({ cancellable: true, timeout: input.timeoutSeconds * 1000 });
  let finished = 0;
  const count = (more: number): void => void (finished += more);
  const failure = await scope
    .run(async () => {
      await globalStep(input, 'global_pre_exec');
      if (isLarge(input)) await inChunks(input, atOnce, count);
      else
        await forEachLimited(input.instances, atOnce, async (instance) =>
          count((await settled(input, instance)) ? 1 : 0),
        );
      if (finished === input.instances.length) await globalStep(input, 'global_post_exec');
    })
    .then(
      () => null,
      (error: unknown) => describeFailure(error, input),
    );
  await release?.();
  await CancellationScope.nonCancellable(() => settleSubTask({ taskId: input.taskId, error: failure }));
  const failed = input.instances.length - finished;
  upsertSearchAttributes(searchAttributes({ status: failed === 0 && failure === null ? 'finished' : 'failed' }));
  return { finished, failed, ...(failure !== null && { error: failure }) };
}

/** Large ones begun before chunks existed continue without. */
const isLarge = ({ instances }: SubTaskInput): boolean => instances.length > instancesPerChunk && patched('chunks');

/** A revert is an upgrade to a release already on the host: nothing to fetch, unpack, or delete. */
async function bringToVersion(input: SubTaskInput, instance: SubTaskInstance, undoing: UndoStack): Promise<void> {
  const step = stepsOf(input, instance, undoing);
  const isUpgrade = input.kind === 'upgrade';
  if (isUpgrade) await step('fetch');
  if (input.hooks.includes('pre_exec')) await step('pre_exec');
  if (instance.wasRunning) await step('stop', 'start_old');
  if (isUpgrade) await step('unpack', 'drop_release');
  await step('switch', 'switch_back');
  await step('start', 'stop_new');
  await step('check');
  if (input.hooks.includes('post_exec')) await step('post_exec');
}

/** Drives one instance to its end and records the outcome; never throws. */
async function settled(input: SubTaskInput, instance: SubTaskInstance): Promise<boolean> {
  const { taskId } = input;
  const { position } = instance;
  const undoing = new UndoStack();
  try {
    await bringToVersion(input, instance, undoing);
    await CancellationScope.nonCancellable(() =>
      settleInstance({ taskId, position, status: 'finished', step: null, message: null, undone: true }),
    );
    return true;
  } catch (error) {
    const leftovers = await undoing.unwind();
    const step = error instanceof StepFailedError ? error.step : null;
    const message = [describeFailure(error, input), ...leftovers.map((left) => left.message)].join('; ');
    const undone = leftovers.length === 0;
    await CancellationScope.nonCancellable(() =>
      settleInstance({ taskId, position, status: 'failed', step, message, undone }),
    );
    return false;
  }
}

async function globalStep(input: SubTaskInput, name: 'global_pre_exec' | 'global_post_exec'): Promise<void> {
  const [first] = input.instances;
  if (!first || !input.hooks.includes(name)) return;
  const undoing = new UndoStack();
  try {
    await run(input, first, name, undoing);
  } catch (error) {
    await undoing.unwind();
    throw error;
  }
}

async function run(input: SubTaskInput, instance: SubTaskInstance, step: StepName, undoing: UndoStack): Promise<void> {
  const at = { taskId: input.taskId, position: instance.position, step };
  const { ok, message } = await runStep.executeWithOptions(named(instance, step), [at]).catch((error: unknown) => {
    // Cancelled while no worker ran it: its command may still run.
    undoing.push(() => undo.killStep(at));
    throw new StepFailedError(step, describeFailure(error, input));
  });
  if (!ok) throw new StepFailedError(step, `${step}: ${message ?? 'failed'}`);
}

async function takeBack(
  input: SubTaskInput,
  instance: SubTaskInstance,
  step: UndoStep,
  scope: CancellationScope,
): Promise<void> {
  const secondsLeft = scope.consideredCancelled ? 0 : secondsUntil(input.endsAt);
  const at = { taskId: input.taskId, position: instance.position, step, ...(secondsLeft !== null && { secondsLeft }) };
  const time = undoSeconds + secondsOfUndo(input, step, secondsLeft ?? 0);
  const options = { ...named(instance, step), startToCloseTimeout: time * 1000, scheduleToCloseTimeout: time * 1000 };
  const { ok, message } = await undo.runStep.executeWithOptions(options, [at]);
  if (!ok) throw new StepFailedError(step, `${step}: ${message ?? 'failed'}`);
}

/** Null: unknown, in a chunk of a sub-task from before this was passed on. */
const secondsUntil = (endsAt: number | undefined): number | null =>
  endsAt === undefined ? null : Math.max(0, Math.ceil((endsAt - Date.now()) / 1000));

/** Time for the waits of an undo step, on top of the fixed time of every undo. */
function secondsOfUndo({ seconds }: SubTaskInput, step: UndoStep, secondsLeft: number): number {
  const { start, stop } = seconds ?? { start: 0, stop: 0 };
  return step === 'start_old' ? Math.max(secondsLeft, stop) + start : step === 'stop_new' ? stop : 0;
}

/** Names a step for readers of the history and for replay, which requires the same order of steps. */
const named = ({ position, hostname }: SubTaskInstance, step: StepName): { activityId: string; summary: string } => ({
  activityId: `${step}-${position}`,
  summary: `${step} on ${hostname}`,
});

function describeFailure(error: unknown, { timeoutSeconds }: SubTaskInput): string {
  if (isCancellation(error)) return `timed out after ${timeoutSeconds} s; its commands were killed`;
  const root = rootFailure(error);
  return root instanceof Error ? root.message : String(root);
}
