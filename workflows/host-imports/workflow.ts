import { isCancellation, proxyActivities, upsertSearchAttributes } from '@temporalio/workflow';
import { searchAttributes } from '../lib/search-attributes.ts';
import { forEachLimited } from '../lib/for-each-limited.ts';
import type { AdoptionInput, ImportInput } from './contract.ts';
import type { ImportActivities } from './ports.ts';

const { discoverHosts, compareFindings, adoptHosts, settleImport } = proxyActivities<ImportActivities>({
  startToCloseTimeout: '2 hours',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '1 minute', maximumAttempts: 10 },
});

/** Reads every source, compares, and adopts if requested; a failed source does not stop the others. */
export async function importHosts({ importId, sources, adopt, actor }: ImportInput): Promise<void> {
  await settled(importId, async () => {
    await forEachLimited(sources, sources.length, (source) => discoverHosts({ importId, source }));
    await compareFindings({ importId });
    if (adopt) await adoptHosts({ importId, all: true, actor });
  });
}

/** Creates hosts from the findings that a user chose. */
export async function adoptFindings({ importId, actor }: AdoptionInput): Promise<void> {
  await settled(importId, () => adoptHosts({ importId, all: false, actor }));
}

async function settled(importId: number, work: () => Promise<void>): Promise<void> {
  let error: string | null = null;
  try {
    await work();
  } catch (failure) {
    error = isCancellation(failure) ? 'it was cancelled' : 'an activity failed';
  }
  const status = await settleImport({ importId, error });
  upsertSearchAttributes(searchAttributes({ status }));
}
