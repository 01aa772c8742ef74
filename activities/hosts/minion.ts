// Bootstraps a Salt minion over SSH, if configured: a job on the host installs and starts it and reports its key's
// fingerprint, then the master accepts exactly that key. The host is pinned by its SSH key and the master by its
// fingerprint, which excludes a man in the middle. Idempotent: the job is known by its id, the rest is read from the master.
// Limited by the host's patience.
import { runnerTable } from '../../workflows/hosts/contract.ts';
import { HostUnreachableError } from '../providers/error.ts';
import type { Runner, RunnerHost } from '../providers/runner/driver.ts';
import { keyStates } from '../providers/runner/minions.ts';
import type { MinionKeys } from '../providers/runner/minions.ts';
import { failedAsRoot, rootSettings } from './as-root.ts';
import { installMinion } from './minion-script.ts';
import { asking, pending, refusedBy, HostTaskError } from './host-task-error.ts';
import { bash, jobIdOf, note, runOwn } from './host-work.ts';
import type { HostWork } from './host-work.ts';

/** Read from the end of the job's output, where the fingerprint is. */
const tailBytes = 1024;
const saysFingerprint = /^the minion's key: ((?:[0-9a-f]{2}:){31}[0-9a-f]{2})$/m;

/** Makes a host's runner ready for jobs; throws HostTaskError until it responds. */
export async function reach(work: HostWork, runner: Runner): Promise<void> {
  const { at, host, deps } = work;
  const silence = await silenceOf(runner, at);
  if (silence === undefined) return;
  const { minionKeys: keys } = deps;
  const { ssh } = deps.runners;
  if (runnerTable[host.runner].reachedBy !== 'minion') throw unreached(silence);
  if (!keys || !ssh)
    throw unreached(`${silence}: start it and accept its key, or set SLIPWAY_SALT_MASTER to have it installed`);
  if (at.address === null) throw unreached(`${silence}: give ${host.name} an address to have it installed over SSH`);
  const over: RunnerHost = { name: host.name, runner: 'ssh', address: at.address };
  await admit(at.name, keys, await installed({ ...work, at: over }, ssh, keys, at.name));
  throw pending('runner', `the minion ${at.name} is installed and its key accepted; it has not answered yet`);
}

/** The runner's message that the host is unreachable; undefined when it responds. */
async function silenceOf(runner: Runner, at: RunnerHost): Promise<string | undefined> {
  try {
    await runner.prepare(at);
    await runner.ping(at);
    return undefined;
  } catch (error) {
    if (error instanceof HostUnreachableError) return error.message;
    return asking('runner', Promise.reject(error as Error));
  }
}

const unreached = (message: string): HostTaskError => new HostTaskError('runner', 'unavailable', message);

/** Installs and starts the minion unless this task already has; returns the fingerprint of its key. */
async function installed(work: HostWork, ssh: Runner, keys: MinionKeys, minion: string): Promise<string> {
  const { at, deps } = work;
  const seconds = deps.hostPatienceSeconds;
  const env = {
    ...rootSettings(at.runner, seconds),
    SLIPWAY_MASTER: keys.master,
    SLIPWAY_MASTER_FINGER: await asking('runner', keys.masterFingerprint()),
    SLIPWAY_MINION: minion,
  };
  await note(work, 'minion');
  const job = { id: jobIdOf(work, 'minion'), script: bash(installMinion), env };
  const failed = failedAsRoot(await runOwn(work, ssh, 'minion', job), 'its minion', seconds);
  if (failed !== undefined) throw refusedBy('runner', failed);
  const { size } = await asking('runner', ssh.output(at, job.id, 'stdout', 0, 1));
  const { data } = await asking('runner', ssh.output(at, job.id, 'stdout', Math.max(0, size - tailBytes), tailBytes));
  const [, fingerprint] = saysFingerprint.exec(data.toString('utf8')) ?? [];
  if (fingerprint === undefined) throw refusedBy('runner', 'the host does not say what key its minion has');
  return fingerprint;
}

/** Makes the master accept the key with this fingerprint, and no other. */
async function admit(minion: string, keys: MinionKeys, own: string): Promise<void> {
  let known = await asking('runner', keys.of(minion));
  if (known.accepted === undefined && known.pending === own) {
    await asking('runner', keys.accept(minion));
    known = await asking('runner', keys.of(minion));
  }
  if (known.accepted === own) return;
  const state = keyStates.find((one) => known[one] !== undefined);
  if (state === undefined || (state === 'pending' && known.pending === own))
    throw pending('runner', `the minion ${minion} was installed; ${keys.master} does not know its key yet`);
  const found = known[state] === own ? 'that key' : `another key (${known[state]})`;
  throw refusedBy(
    'runner',
    `the minion ${minion} has the key ${own} on its host, and the Salt master has ${found} as ${state}: ` +
      `find out whose it is, take it away with salt-key -d ${minion}, and initialise the host again`,
  );
}
