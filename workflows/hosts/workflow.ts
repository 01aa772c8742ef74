import { proxyActivities, upsertSearchAttributes } from '@temporalio/workflow';
import { searchAttributes } from '../search-attributes.ts';
import { window } from '../window.ts';
import type { InitHostsInput } from './contract.ts';
import type { HostHands } from './ports.ts';

const inFlight = 50;

const { initHost, settleHostTask } = proxyActivities<HostHands>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '10 seconds' },
});

/** Initialises hosts, each by itself: one that fails stops no other. */
export async function initHosts({ taskId, hosts }: InitHostsInput): Promise<void> {
  const outcomes = await window(hosts, inFlight, ({ position, hostId }) => initHost({ taskId, position, hostId }));
  await settleHostTask({ taskId, error: null });
  const isFinished = outcomes.every(({ status }) => status === 'finished');
  upsertSearchAttributes(searchAttributes({ status: isFinished ? 'finished' : 'failed' }));
}
