/**
 * Independent tests that mostly wait: all of them start at once. Call it in a separate `describe`; it returns the function
 * that declares them.
 */
export function concurrentTests(timeoutMs = 300_000): (name: string, work: () => Promise<void>) => void {
  const works = new Map<string, () => Promise<void>>();
  const begun = new Map<string, Promise<void>>();
  beforeAll(() => {
    for (const [name, work] of works) {
      const run = work();
      run.catch(() => undefined);
      begun.set(name, run);
    }
  });
  afterAll(() => Promise.allSettled(begun.values()), timeoutMs);
  return (name, work) => {
    works.set(name, work);
    test(name, async () => await begun.get(name), timeoutMs);
  };
}
