/** The text for whatever works. */
export const alive = 'ok';

const patienceMs = 1_500;

/**
 * A check that fails after 1.5 s, since probes do not wait for a hanging dependency. A hanging check is not started a
 * second time concurrently: each run would hold a connection.
 */
function bounded(run: () => Promise<unknown>): () => Promise<unknown> {
  let running: Promise<unknown> | undefined;
  return () => {
    running ??= run().finally(() => (running = undefined));
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error('no answer in time')), patienceMs);
    return Promise.race([running, late.promise]).finally(() => clearTimeout(timer));
  };
}

/** Runs all checks; returns a line for each, in their order. */
export function readinessOf(checks: Readonly<Record<string, () => Promise<unknown>>>) {
  const all = Object.entries(checks).map(([name, run]) => ({ name, run: bounded(run) }));
  return async (): Promise<{ isReady: boolean; lines: string[] }> => {
    const results = await Promise.allSettled(all.map(({ run }) => run()));
    const works = results.map(({ status }) => status === 'fulfilled');
    return {
      isReady: works.every(Boolean),
      lines: all.map(({ name }, index) => `${name}: ${works[index] ? alive : 'failed'}`),
    };
  };
}
