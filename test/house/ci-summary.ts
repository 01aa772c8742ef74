// The closing line of .ci/run: the counts of several runs, each given as jest writes it with --json.
import { readFileSync } from 'node:fs';

/** The part of jest's results that is counted. */
interface Results {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  /** Test files that could not even be started count as failed. */
  numRuntimeErrorTestSuites?: number;
  success: boolean;
}

/** `N passed, N failed`, and what was skipped if anything was. */
export function closingLine(runs: readonly Results[]): string {
  const sum = (count: (run: Results) => number): number => runs.reduce((total, run) => total + count(run), 0);
  const failed = sum(({ numFailedTests, numRuntimeErrorTestSuites = 0 }) => numFailedTests + numRuntimeErrorTestSuites);
  const skipped = sum(({ numPendingTests, numTodoTests }) => numPendingTests + numTodoTests);
  const passed = sum(({ numPassedTests }) => numPassedTests);
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

if (import.meta.main) {
  const runs = process.argv.slice(2).map((path) => JSON.parse(readFileSync(path, 'utf8')) as Results);
  process.stdout.write(`${closingLine(runs)}\n`);
  if (runs.length === 0 || !runs.every(({ success }) => success)) process.exitCode = 1;
}
