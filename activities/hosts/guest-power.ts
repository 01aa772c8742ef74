// Power through the guest: a job on the host schedules the shutdown some seconds ahead, so that the job itself can finish.
// The host is down when its provider reports so or, without a provider, after its runner was unreachable for a while. It has
// restarted when its boot id changed or, without one, when it responds after being unreachable.
import { markDown } from '../../db/hosts/calls.ts';
import type { HostCallRow } from '../../db/hosts/tables.ts';
import type { Runner } from '../providers/runner/driver.ts';
import { once } from './make-call-once.ts';
import { answers, asking, pending, refusedBy, HostTaskError } from './host-task-error.ts';
import { bash, jobIdOf, runOwn } from './host-work.ts';
import type { HostWork } from './host-work.ts';

const secondsBefore = 3;
const bootEveryMs = 5_000;

const goDown = `set -u
cat /proc/sys/kernel/random/boot_id 2>/dev/null || true
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo -n"
command -v shutdown >/dev/null || { echo "there is no shutdown command" >&2; exit 1; }
if [ -n "$as_root" ] && ! $as_root true 2>/dev/null; then echo "not allowed: neither root nor sudo" >&2; exit 1; fi
how=-h
[ "$SLIPWAY_ACTION" = restart ] && how=-r
nohup setsid $as_root sh -c "sleep $SLIPWAY_SECONDS; exec shutdown $how now" </dev/null >/dev/null 2>&1 &
`;

const bootId = 'cat /proc/sys/kernel/random/boot_id 2>/dev/null || true\n';

export async function byGuest(work: HostWork, known: HostCallRow | undefined): Promise<void> {
  const { runner } = work;
  if (!runner) throw refusedBy('runner', `the runner "${work.host.runner}" is not configured`);
  const id = jobIdOf(work, 'power');
  const env = { SLIPWAY_ACTION: work.kind, SLIPWAY_SECONDS: String(secondsBefore) };
  const job = { id, script: bash(goDown), env };
  let call = await once(work, { way: 'guest' }, known, async () => {
    await asking('runner', runner.start(work.at, { ...job, cwd: '/', user: null }));
    return { job: id, note: null };
  });
  if (call.downSince === null && (await isUp(work, runner))) {
    const { exitCode } = await runOwn(work, runner, 'power', job);
    if (exitCode !== 0) throw refusedBy('runner', 'the host refused to go down; see the output of the task');
  } else if (call.downSince === null) {
    await markDown(work.deps.db, call, new Date());
    call = { ...call, downSince: new Date() };
  }
  await (work.kind === 'restart' ? restarted(work, runner, call) : stopped(work, runner, call));
}

const isUp = ({ at }: HostWork, runner: Runner): Promise<boolean> => answers('runner', runner.ping(at));

async function stopped(work: HostWork, runner: Runner, call: HostCallRow): Promise<void> {
  const { cloud, ref, deps, at } = work;
  if (cloud) {
    const { state, detail } = await asking('cloud', cloud.find(ref));
    if (state === 'stopped') return;
    if (state === 'gone') throw refusedBy('cloud', `${cloud.name} does not have it any more`);
    throw pending('cloud', `asked to shut down; ${cloud.name} says ${detail}`);
  }
  if (await answers('runner', runner.ping(at))) {
    if (call.downSince !== null) await markDown(deps.db, call, null);
    throw pending('runner', 'asked to shut down; it still answers');
  }
  const since = call.downSince ?? new Date();
  if (call.downSince === null) await markDown(deps.db, call, since);
  if (Date.now() - since.getTime() < deps.hostSilenceSeconds * 1000)
    throw pending('runner', 'asked to shut down; it is silent now');
}

async function restarted(work: HostWork, runner: Runner, call: HostCallRow): Promise<void> {
  if (!(await isUp(work, runner))) {
    if (call.downSince === null) await markDown(work.deps.db, call, new Date());
    throw pending('runner', 'asked to restart; it is silent now');
  }
  const before = await bootBefore(work, runner);
  const now = await bootNow(work, runner);
  const isOther = before === '' || now === '' ? call.downSince !== null : before !== now;
  if (!isOther) throw pending('runner', 'asked to restart; it still answers as before');
}

/** The boot id written by the power job; empty if it can't be read any more. */
async function bootBefore({ at, ...work }: HostWork, runner: Runner): Promise<string> {
  try {
    const { data } = await asking('runner', runner.output(at, jobIdOf({ at, ...work }, 'power'), 'stdout', 0, 64));
    return data.toString('utf8').trim();
  } catch (error) {
    if (error instanceof HostTaskError && error.kind === 'refused') return '';
    throw error;
  }
}

/** The present boot id. A job's result stays valid for some seconds, so each such interval has its own job. */
async function bootNow(work: HostWork, runner: Runner): Promise<string> {
  const id = jobIdOf(work, `boot-${Math.floor((Date.now() - work.started.getTime()) / bootEveryMs)}`);
  const job = { id, script: bash(bootId), env: {}, cwd: '/', user: null };
  const { state, stdout } = await asking('runner', runner.run(work.at, job, { stdout: 0, stderr: 0 }));
  if (state === 'running') throw pending('runner', 'asked to restart; waiting for its boot id');
  return stdout.data.toString('utf8').trim();
}
