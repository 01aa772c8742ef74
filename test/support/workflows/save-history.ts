// How a history is saved: what names the machine of the recording has no meaning elsewhere, and a replay does not look at it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporal } from '@temporalio/proto';
import { eventually } from '../harness.ts';
import type { World } from '../world.ts';
import { historiesFolder } from './replay.ts';

const forms = { longs: String, enums: String, bytes: String };

/** Saves the history of a workflow as `name`, once it has completed. */
export async function saveHistory(
  { temporal: { workflow } }: Pick<World, 'temporal'>,
  name: string,
  workflowId: string,
): Promise<void> {
  const handle = workflow.getHandle(workflowId);
  await eventually(async () => (await handle.describe()).status.name === 'COMPLETED', { timeout: 20_000 });
  const history = await handle.fetchHistory();
  const plain = temporal.api.history.v1.History.toObject(temporal.api.history.v1.History.fromObject(history), forms);
  const json = JSON.stringify(plain, null, 1)
    .replaceAll(/"identity": "[^"]*"/g, '"identity": "recorded"')
    .replaceAll(/"name": "\d+@[^"]*"/g, '"name": "recorded"')
    .replaceAll(/"stackTrace": "(?:[^"\\]|\\.)*"/g, '"stackTrace": ""');
  writeFileSync(join(historiesFolder, `${name}.json`), `${json}\n`);
}
