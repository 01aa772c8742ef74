// Keeps hosts in maintenance while work on them is in progress. Each call lasts a limited time and is repeated, like a
// lease, so that hosts are monitored again if Slipway disappears. The release runs whatever the outcome of the work.
import { CancellationScope, sleep } from '@temporalio/workflow';
import type { MaintenanceActivities } from './ports.ts';

/** Short: maintenance problems must neither fail nor delay a task. */
export const maintenanceOptions = {
  startToCloseTimeout: '1 minute',
  heartbeatTimeout: '5 seconds',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '5 seconds' },
} as const;

/** Half the duration of one call. */
const extendEvery = '5 minutes';

/**
 * Begins the maintenance of a task's hosts; returns the function that ends it, to be called in every case. Neither throws.
 */
export function holdHosts(hands: MaintenanceActivities, taskId: number): Promise<() => Promise<void>> {
  const whatever = (call: Promise<void>): Promise<void> => call.catch(() => undefined);
  // Independent of the work's cancellation: a cancelled task still undoes its steps.
  return CancellationScope.nonCancellable(async () => {
    await whatever(hands.holdMaintenance({ taskId, phase: 'begin' }));
    const extending = new CancellationScope();
    const extended = extending.run(async () => {
      for (;;) {
        await sleep(extendEvery);
        await whatever(hands.holdMaintenance({ taskId, phase: 'extend' }));
      }
    });
    return () =>
      CancellationScope.nonCancellable(async () => {
        extending.cancel();
        // A pending extension would begin the maintenance again after its end.
        await whatever(extended);
        await whatever(hands.releaseMaintenance({ taskId }));
      });
  });
}
