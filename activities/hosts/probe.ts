// Which instances of a host came back with it: those whose process of the pid file lives. What cannot be looked at keeps
// its status, and the task says so.
import { instancesToProbe } from '../../db/hosts/work.ts';
import { Problem } from '../../workflows/problem.ts';
import { checkLives } from '../deploy/host-scripts.ts';
import { Trouble } from './trouble.ts';
import { bash, jobIdOf, runOwn } from './work.ts';
import type { HostWork } from './work.ts';

export interface Probed {
  instances: Map<number, 'running' | 'stopped'>;
  warning?: Problem;
}

/** Looks at every instance of a host that has a pid file. */
export async function probed(work: HostWork): Promise<Probed> {
  const { runner, at, deps, host } = work;
  const found: Probed = { instances: new Map() };
  const some = await instancesToProbe(deps.db, host.id);
  if (!runner || some.length === 0) return found;
  const probe = async ({ id, pidPath }: (typeof some)[number]): Promise<void> => {
    const env = { SLIPWAY_PID_FILE: runner.path(at, pidPath) };
    const job = { id: jobIdOf(work, `probe-${id}`), script: bash(checkLives), env };
    const { exitCode } = await runOwn(work, runner, 'probe', job);
    found.instances.set(id, exitCode === 0 ? 'running' : 'stopped');
  };
  try {
    await Promise.all(some.map(probe));
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    return { ...found, warning: new Problem('not_probed', { reason: error.message }) };
  }
  return found;
}
