type Work = () => Promise<void> | void;
const works: Work[] = [];

/** Has `work` done when the run ends, the last added first. */
export function onTeardown(work: Work): void {
  works.push(work);
}

/** Ends what the set-up began, all of it even when a part fails. */
export default async function globalTeardown(): Promise<void> {
  const failures: unknown[] = [];
  for (const work of works.splice(0).reverse()) {
    try {
      await work();
    } catch (failure) {
      failures.push(failure);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'the test servers did not end cleanly');
}
