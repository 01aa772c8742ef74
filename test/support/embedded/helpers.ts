import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '../../../kit/log.ts';
import { eventually } from '../harness.ts';

export const quiet = createLogger({ logLevel: 'silent' }, 'test');

/** A data folder of its own for a test. */
export function temporaryDataDir(): string {
  return mkdtempSync(join(tmpdir(), 'slipway-embedded-'));
}

/** Retries until `attempt` returns a truthy value without throwing; throws its last failure after `milliseconds`. */
export async function until<T>(what: string, attempt: () => Promise<T> | T, milliseconds = 20_000): Promise<T> {
  try {
    const found = await eventually(
      async () => {
        const result = await attempt();
        return result ? { result } : false;
      },
      { timeout: milliseconds },
    );
    return found.result;
  } catch (cause) {
    throw new Error(`waited ${milliseconds} ms for ${what}`, { cause });
  }
}
