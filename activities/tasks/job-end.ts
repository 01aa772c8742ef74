import type { JobState } from '../providers/runner/driver.ts';

/** Why a job failed; null: it succeeded. */
export function failureOf({ state, exitCode, signal }: JobState): string | null {
  if (state === 'unknown') return 'it is not known how the command ended; look at the host';
  if (signal !== null) return `ended by ${signal}`;
  return exitCode === 0 ? null : `exit status ${exitCode}`;
}
