import { poll } from '../kit/poll.ts';

/** Retries `attempt` every few ms until it returns a value other than false without throwing. */
export const until = <T>(attempt: () => Promise<T | false>, timeoutMs = 30_000) =>
  poll(attempt, { timeoutMs, everyMs: 5, bearsErrors: true });
