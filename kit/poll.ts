import { setTimeout as sleep } from 'node:timers/promises';

export interface PollOptions {
  timeoutMs: number;
  everyMs: number;
  /** Whether an attempt that throws is repeated; its error is thrown at the end. */
  bearsErrors: boolean;
  /** What is waited for, as in "until … ". */
  what?: string;
}

/** Repeats `attempt`, at least once, until it returns a value other than false. */
export async function poll<T>(attempt: () => T | Promise<T>, options: PollOptions): Promise<Exclude<T, false>> {
  const { timeoutMs, everyMs, bearsErrors, what = 'the condition came true' } = options;
  const end = performance.now() + timeoutMs;
  for (;;) {
    let failure: unknown = new Error(`waited ${timeoutMs / 1000} s in vain until ${what}`);
    try {
      const result = await attempt();
      if (result !== false) return result as Exclude<T, false>;
    } catch (error) {
      if (!bearsErrors) throw error;
      failure = error;
    }
    if (performance.now() >= end) throw failure;
    await sleep(everyMs);
  }
}
