import { poll } from '../../kit/poll.ts';

/** Polls until `check` returns a value other than false; throws naming `what` after a minute. */
export const eventually = <T>(what: string, check: () => Promise<T | false>) =>
  poll(check, { what, timeoutMs: 60_000, everyMs: 100, bearsErrors: false });
