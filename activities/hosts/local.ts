// The power of a host that is a folder of the worker's own machine, which is never asked to go down: what such a host runs
// are the processes of its instances, so stopping it ends those, and the rest is the state in its row.
import { instancesToProbe } from '../../db/hosts/work.ts';
import type { HostCallRow } from '../../db/hosts/tables.ts';
import { once } from './once.ts';
import { asking, refusedBy } from './trouble.ts';
import { bash, isForced, jobIdOf, runOwn } from './work.ts';
import type { HostWork } from './work.ts';

const endProcess = `set -u
pid=$(cat "$SLIPWAY_PID_FILE" 2>/dev/null) || exit 0
case "$pid" in ''|*[!0-9]*) exit 0 ;; esac
if [ "$SLIPWAY_FORCE" != 1 ]; then
  kill "$pid" 2>/dev/null || exit 0
  for _ in $(seq 50); do
    kill -0 "$pid" 2>/dev/null || exit 0
    sleep 0.1
  done
fi
kill -9 "$pid" 2>/dev/null || exit 0
echo "process $pid was killed"
`;

export async function byProcesses(work: HostWork, known: HostCallRow | undefined): Promise<void> {
  const { kind, runner, at, deps, host } = work;
  if (!runner) throw refusedBy('runner', 'the runner "local" is not configured');
  await asking('runner', kind === 'start' ? runner.prepare(at) : runner.ping(at));
  if (kind === 'start') return;
  const instances = await instancesToProbe(deps.db, host.id);
  await once(work, { way: 'local' }, known, async () => {
    for (const { id, pidPath } of instances) {
      const env = {
        SLIPWAY_PID_FILE: runner.path(at, pidPath),
        SLIPWAY_FORCE: isForced(work) ? '1' : '0',
      };
      await runOwn(work, runner, 'power', { id: jobIdOf(work, `power-${id}`), script: bash(endProcess), env });
    }
    return { job: null, note: null };
  });
}
