/**
 * Awaits `work` unless the signal aborts first; then gives what `onAbort` returns or throws. The work itself goes on unless
 * it hears the signal; nobody awaits its end or failure.
 */
export async function raceAbort<T, U>(
  work: Promise<T>,
  signal: AbortSignal,
  onAbort: () => U,
): Promise<T | Awaited<U>> {
  const aborted = Promise.withResolvers<undefined>();
  const leave = (): void => aborted.resolve(undefined);
  if (signal.aborted) leave();
  else signal.addEventListener('abort', leave, { once: true });
  return Promise.race([work, aborted.promise.then(onAbort)]).finally(() => signal.removeEventListener('abort', leave));
}

/** Same for work that takes longer than `ms`. */
export const withTimeout = <T, U>(work: Promise<T>, ms: number, onTimeout: () => U): Promise<T | Awaited<U>> =>
  raceAbort(work, AbortSignal.timeout(Math.max(0, Math.ceil(ms))), onTimeout);
