// Work on hosts, independently: a failed host does not stop the others. Each host is one activity, retried until the host is
// in its target state, so a slow machine costs attempts, not history. More than fifty hosts are fanned out to children of
// fifty, which keeps histories short.
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  executeChild,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { claimOf } from '../lib/update-claim.ts';
import { holdHosts, maintenanceOptions } from '../maintenance/hold.ts';
import type { MaintenanceActivities } from '../maintenance/ports.ts';
import { rootFailure, unwrapped } from '../lib/problem-failure.ts';
import { searchAttributes } from '../lib/search-attributes.ts';
import { forEachLimited } from '../lib/for-each-limited.ts';
import { cancelHostsUpdate, hostChunkWorkflowId, hostsPerChunk } from './contract.ts';
import type { HostChunkInput, HostOutcome, HostTarget, HostTaskInput, InitHostsInput } from './contract.ts';
import type { HostActivities } from './ports.ts';

const retry = { initialInterval: '500 milliseconds', maximumInterval: '10 seconds' } as const;

// Unlimited attempts: the activity limits the time by its first attempt.
const { actOnHost } = proxyActivities<HostActivities>({
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '10 seconds',
  retry,
});
const { initHost } = proxyActivities<HostActivities>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '10 seconds',
  retry,
});
const { abandonHost, cancelHosts, settleHostTask } = proxyActivities<HostActivities>({
  startToCloseTimeout: '1 minute',
  heartbeatTimeout: '10 seconds',
  retry,
});
/** The host is deleted in Slipway; monitoring may be unavailable for long. */
const { forgetMonitored } = proxyActivities<HostActivities>({
  startToCloseTimeout: '1 minute',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '5 minutes' },
});
const maintenance = proxyActivities<MaintenanceActivities>(maintenanceOptions);

interface Counted {
  finished: number;
  failed: number;
}

/** One task over any number of hosts. */
export async function hostTask(input: HostTaskInput): Promise<Counted> {
  const { taskId, hosts } = input;
  setHandler(cancelHostsUpdate, (cancel) =>
    unwrapped(cancelHosts({ taskId, actor: cancel.actor, claim: claimOf(cancel) })),
  );
  // Cancellation through the engine means the same: hosts in progress continue to their end.
  CancellationScope.current().cancelRequested.catch(() =>
    CancellationScope.nonCancellable(() => cancelHosts({ taskId, actor: null })),
  );
  return CancellationScope.nonCancellable(async () => {
    const release = input.maintenance ? await holdHosts(maintenance, taskId) : null;
    const counted = await (hosts.length <= hostsPerChunk ? workOn(input) : inChunks(input));
    await settleHostTask({ taskId, error: null });
    await release?.();
    const status = counted.failed === 0 ? 'finished' : 'failed';
    upsertSearchAttributes(searchAttributes({ status }));
    setCurrentDetails(`**${status}**: ${progress(input, counted)}`);
    await condition(allHandlersFinished);
    return counted;
  });
}

/** Up to fifty hosts of a larger task. */
export async function hostTaskChunk(input: HostChunkInput): Promise<Counted> {
  return CancellationScope.nonCancellable(() => workOn(input));
}

/** Disables a deleted host in monitoring, however long monitoring is unavailable. */
export async function removeHost({ hostId }: { hostId: number }): Promise<void> {
  await forgetMonitored({ hostId });
}

/** Initialises hosts independently; for tasks begun before `hostTask`. */
export async function initHosts({ taskId, hosts }: InitHostsInput): Promise<void> {
  const outcomes = await forEachLimited(hosts, inFlight, ({ position, hostId }) =>
    initHost({ taskId, position, hostId }),
  );
  await settleHostTask({ taskId, error: null });
  const isFinished = outcomes.every(({ status }) => status === 'finished');
  upsertSearchAttributes(searchAttributes({ status: isFinished ? 'finished' : 'failed' }));
}

const inFlight = 50;

const progress = ({ kind, hosts }: HostTaskInput, { finished, failed }: Counted): string =>
  `${kind}: ${finished} of ${hosts.length} hosts done${failed > 0 ? `, ${failed} failed` : ''}`;

async function inChunks(input: HostTaskInput): Promise<Counted> {
  const { taskId, kind, hosts } = input;
  const chunks: HostChunkInput[] = [];
  for (let start = 0; start < hosts.length; start += hostsPerChunk)
    chunks.push({ ...input, hosts: hosts.slice(start, start + hostsPerChunk), chunk: chunks.length + 1 });
  const total = { finished: 0, failed: 0 };
  const work = async (chunk: HostChunkInput): Promise<void> => {
    const counted = await settledChunk(chunk, `${kind} hosts ${chunk.chunk} of ${chunks.length}`);
    total.finished += counted.finished;
    total.failed += counted.failed;
    setCurrentDetails(`**running**: ${progress(input, total)}`);
  };
  setCurrentDetails(`**running**: ${progress({ taskId, kind, hosts, maintenance: false }, total)}`);
  await Promise.all(chunks.map(work));
  return total;
}

/** A chunk terminated by hand leaves its hosts open; the end of the task settles them. */
async function settledChunk(chunk: HostChunkInput, summary: string): Promise<Counted> {
  try {
    const workflowId = hostChunkWorkflowId(chunk.taskId, chunk.chunk);
    return await executeChild(hostTaskChunk, { workflowId, args: [chunk], staticSummary: summary });
  } catch {
    return { finished: 0, failed: chunk.hosts.length };
  }
}

/** Works on all hosts concurrently. */
async function workOn(input: HostTaskInput): Promise<Counted> {
  const total = { finished: 0, failed: 0 };
  const work = async (host: HostTarget): Promise<void> => {
    const { status } = await settled(input, host);
    if (status === 'finished') total.finished += 1;
    else total.failed += 1;
    setCurrentDetails(`**running**: ${progress(input, total)}`);
  };
  await Promise.all(input.hosts.map(work));
  return total;
}

/** Drives one host to its end; never throws. */
async function settled({ taskId, kind }: HostTaskInput, { position, name }: HostTarget): Promise<HostOutcome> {
  const at = { taskId, position };
  // Named for readers of the history and for replay, which requires the same order.
  const named = { activityId: `${kind}-${position}`, summary: `${kind} ${name}` };
  try {
    return await actOnHost.executeWithOptions(named, [at]);
  } catch (error) {
    const root = rootFailure(error);
    return abandonHost({ ...at, reason: root instanceof Error ? root.message : String(root) });
  }
}
