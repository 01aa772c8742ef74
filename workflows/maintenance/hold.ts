// Hosts that are worked on are in maintenance as long as that goes on. Each call lasts for a while only and is repeated,
// so that a Slipway that is gone leaves nobody unwatched; what is put there is taken away whatever becomes of the work.
import { CancellationScope, sleep } from '@temporalio/workflow';
import type { MaintenanceActivities } from './ports.ts';

/** Half of what one call lasts. */
const extendEvery = '5 minutes';

/** Begins the maintenance of a task's hosts; answers what ends it, to be called in every case. Neither throws. */
export function holdHosts(hands: MaintenanceActivities, taskId: number): Promise<() => Promise<void>> {
  const whatever = (call: Promise<void>): Promise<void> => call.catch(() => undefined);
  // Apart from the cancellation of the work: a cancelled task still takes back what it did.
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
        // One that is under way would begin it again after the end.
        await whatever(extended);
        await whatever(hands.releaseMaintenance({ taskId }));
      });
  });
}
