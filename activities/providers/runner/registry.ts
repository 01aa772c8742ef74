import type { RunnerName } from '../../../workflows/hosts/contract.ts';
import { refused } from '../error.ts';
import type { Runner, RunnerHost } from './driver.ts';

/** The configured drivers by name. */
export type Runners = Partial<Record<RunnerName, Runner>>;

/** Finds the driver of a host; refuses a host whose runner is not configured. */
export function runnerOf(runners: Runners, host: RunnerHost): Runner {
  const runner = runners[host.runner];
  if (!runner) throw refused(host.runner, `the runner "${host.runner}" of host ${host.name} is not configured`);
  return runner;
}
