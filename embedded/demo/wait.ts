import { setTimeout as sleep } from 'node:timers/promises';

const patienceMs = 60_000;
const pauseMs = 100;

/** Polls until `check` returns a truthy value; throws naming `what` after a minute. */
export async function eventually<T>(what: string, check: () => Promise<T | false>): Promise<T> {
  const until = Date.now() + patienceMs;
  for (;;) {
    const result = await check();
    if (result !== false) return result;
    if (Date.now() > until) throw new Error(`waited ${patienceMs / 1000} s in vain until ${what}`);
    await sleep(pauseMs);
  }
}
