import { setTimeout as sleep } from 'node:timers/promises';
import type { RatePacer } from '../../../db/coordination/rate-pacer.ts';

/** Evenly spaced calls of this process alone. */
export const ownTurns: RatePacer = (_key, perSecond) => {
  const gap = 1000 / perSecond;
  let next = 0;
  return async () => {
    const now = performance.now();
    const turn = Math.max(now, next);
    next = turn + gap;
    if (turn > now) await sleep(turn - now);
  };
};
