// The minimal durable approval: a workflow that waits, and an update whose activity makes one commit.
import { condition, defineQuery, defineUpdate, proxyActivities, setHandler } from '@temporalio/workflow';

interface TrivialActivities {
  touch(input: { id: number }): Promise<void>;
}

const { touch } = proxyActivities<TrivialActivities>({ startToCloseTimeout: '1 minute' });

export const approveUpdate = defineUpdate<void, [{ id: number }]>('approve');
export const readyQuery = defineQuery<boolean>('ready');

/** Waits for one approval. */
export async function trivial(): Promise<void> {
  let approved = false;
  setHandler(readyQuery, () => true);
  setHandler(approveUpdate, async (input) => {
    await touch(input);
    approved = true;
  });
  await condition(() => approved);
}
