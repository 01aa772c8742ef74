import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for its turn, so that no more than `perSecond` go on in a second; turns are evenly spread. */
export function createLimiter(perSecond: number): () => Promise<void> {
  const gap = 1000 / perSecond;
  let next = 0;
  return async () => {
    const now = performance.now();
    const turn = Math.max(now, next);
    next = turn + gap;
    if (turn > now) await sleep(turn - now);
  };
}
