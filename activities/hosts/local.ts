// Power of a local host, a folder of the worker's own machine that is never shut down: stopping it ends the processes of its
// instances. The row keeps its state.
import { instancesToProbe } from '../../db/hosts/work.ts';
import type { HostCallRow } from '../../db/hosts/tables.ts';
import { readPidFile, runUser } from '../deploy/place-scripts.ts';
import { once } from './make-call-once.ts';
import { asking, refusedBy } from './host-task-error.ts';
import { bash, isForced, jobIdOf, processEnvironment, runOwn } from './host-work.ts';
import type { HostWork } from './host-work.ts';

// As the user who writes the pid file: root would kill any process it names.
const endProcess = `set -u
${runUser}${readPidFile}
[ -f "$SLIPWAY_PID_FILE" ] || exit 0
read_pid_file
pid=$(grep -m 1 -xE '[1-9][0-9]{0,9}' <<< "$content") || exit 0
tell() { act bash -c 'kill -s "$0" "$1"' "$1" "$pid" 2>/dev/null; }
if [ "$SLIPWAY_FORCE" != 1 ]; then
  tell TERM || exit 0
  for _ in $(seq 50); do
    kill -0 "$pid" 2>/dev/null || exit 0
    sleep 0.1
  done
fi
tell KILL || exit 0
echo "process $pid was killed"
`;

export async function byProcesses(work: HostWork, known: HostCallRow | undefined): Promise<void> {
  const { kind, runner, at, deps, host } = work;
  if (!runner) throw refusedBy('runner', 'the runner "local" is not configured');
  await asking('runner', kind === 'start' ? runner.prepare(at) : runner.ping(at));
  if (kind === 'start') return;
  const instances = await instancesToProbe(deps.db, host.id);
  await once(work, { way: 'local' }, known, async () => {
    for (const { id, ...instance } of instances) {
      const env = { ...processEnvironment(work, runner, instance), SLIPWAY_FORCE: isForced(work) ? '1' : '0' };
      await runOwn(work, runner, 'power', { id: jobIdOf(work, `power-${id}`), script: bash(endProcess), env });
    }
    return { job: null, note: null };
  });
}
