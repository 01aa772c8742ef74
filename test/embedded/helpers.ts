import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '../../kit/log.ts';

export const quiet = createLogger({ logLevel: 'silent' }, 'test');

/** A data folder of its own for a test. */
export function temporaryDataDir(): string {
  return mkdtempSync(join(tmpdir(), 'slipway-embedded-'));
}

/** Tries until `attempt` answers something true without throwing; throws its last failure after `milliseconds`. */
export async function until<T>(what: string, attempt: () => Promise<T> | T, milliseconds = 20_000): Promise<T> {
  const deadline = Date.now() + milliseconds;
  let cause: unknown;
  while (Date.now() < deadline) {
    try {
      const result = await attempt();
      if (result) return result;
    } catch (error) {
      cause = error;
    }
    await delay(20);
  }
  throw new Error(`waited ${milliseconds} ms for ${what}`, { cause });
}
