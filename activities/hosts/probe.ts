// Probes which instances came back after a restart of their host, within the start time of their application. An instance
// that can't be probed is unknown, and the task reports it.
import { instancesToProbe } from '../../db/hosts/work.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { secondsOf } from '../../db/deploy/sub-tasks.ts';
import { checkLives } from '../deploy/process-scripts.ts';
import { HostTaskError } from './host-task-error.ts';
import { bash, jobIdOf, processEnvironment, runOwn } from './host-work.ts';
import type { HostWork } from './host-work.ts';

/** Exit status of a probe that found no process. */
const nothingCame = 1;

/** Upper limit of the wait for one application after a restart. */
const longestSeconds = 600;

interface Probed {
  instances: Map<number, 'running' | 'stopped' | 'unknown'>;
  warning?: Problem;
}

/** Probes each instance of a host that has a pid file. */
export async function probed(work: HostWork): Promise<Probed> {
  const { runner, deps, host } = work;
  const some = await instancesToProbe(deps.db, host.id);
  const found: Probed = { instances: new Map(some.map(({ id }) => [id, 'unknown'])) };
  if (!runner) return found;
  const probe = async ({ id, pidPath, runUser, startSeconds }: (typeof some)[number]): Promise<void> => {
    const { start } = secondsOf(startSeconds === null ? {} : { startSeconds });
    const seconds = String(Math.min(start, longestSeconds));
    const env = { ...processEnvironment(work, runner, { pidPath, runUser }), SLIPWAY_SECONDS: seconds };
    const job = { id: jobIdOf(work, `probe-${id}`), script: bash(checkLives), env };
    const { exitCode } = await runOwn(work, runner, 'probe', job);
    found.instances.set(id, exitCode === 0 ? 'running' : exitCode === nothingCame ? 'stopped' : 'unknown');
  };
  try {
    await Promise.all(some.map(probe));
  } catch (error) {
    if (!(error instanceof HostTaskError)) throw error;
    return { ...found, warning: new Problem('not_probed', { reason: error.message }) };
  }
  return found;
}
