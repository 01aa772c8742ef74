// What the files of one run share. Jest runs them in processes of their own, so they meet in the run's folder.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../harness.ts';

type Outcome<T> = { value: T } | { failure: string };

const patience = { timeout: 900_000, interval: 200 };

/** Has work done by whichever file asks first; the others wait for what it gave, which is kept as JSON. */
export async function onceInRun<T>(name: string, work: () => Promise<T>): Promise<T> {
  const claim = join(tmpdir(), `once-${name}`);
  const kept = join(claim, 'outcome');
  if (claimed(claim)) {
    const outcome: Outcome<T> = await work().then(
      (value) => ({ value }),
      (error: unknown) => ({ failure: String(error) }),
    );
    writeFileSync(`${kept}.part`, JSON.stringify(outcome));
    renameSync(`${kept}.part`, kept);
  }
  await eventually(() => existsSync(kept), patience);
  const outcome = JSON.parse(readFileSync(kept, 'utf8')) as Outcome<T>;
  if ('failure' in outcome) throw new Error(`${name}: ${outcome.failure}`);
  return outcome.value;
}

/** Making a folder succeeds for one of many. */
function claimed(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch {
    return false;
  }
}
