// Chooses how to change a host's power: local processes, the guest, or the provider. `host_calls` records the choice, so a
// retry uses the same way.
import { findCall } from '../../db/hosts/calls.ts';
import type { HostCallRow } from '../../db/hosts/tables.ts';
import { isFolder } from '../../workflows/hosts/contract.ts';
import { byGuest } from './guest-power.ts';
import { byProcesses } from './local.ts';
import { probed } from './probe.ts';
import { byProvider } from './provider.ts';
import { answers, refusedBy } from './host-task-error.ts';
import { isForced } from './host-work.ts';
import type { Done, HostWork } from './host-work.ts';

type Way = HostCallRow['way'];

async function wayOf(work: HostWork): Promise<{ way: Way; call: HostCallRow | undefined }> {
  const call = work.hasCall ? await findCall(work.deps.db, work) : undefined;
  return { way: call?.way ?? (await chosen(work)), call };
}

async function chosen(work: HostWork): Promise<Way> {
  const { kind, host, runner, cloud, at } = work;
  if (isFolder(host.runner)) return 'local';
  if (kind === 'start' || isForced(work)) return 'provider';
  if (runner && (await answers('runner', runner.ping(at)))) return 'guest';
  if (cloud) return 'provider';
  throw refusedBy('runner', `host ${host.name} does not answer, and there is no provider to ask`);
}

/** Puts a host into its target power state. */
async function change(work: HostWork): Promise<void> {
  const { way, call } = await wayOf(work);
  await { local: byProcesses, guest: byGuest, provider: byProvider }[way](work, call);
}

export async function start(work: HostWork): Promise<Done> {
  await change(work);
  return { left: { osStatus: 'running' } };
}

/** Stopping a host also marks its instances stopped. */
export async function stop(work: HostWork): Promise<Done> {
  await change(work);
  return { left: { osStatus: 'stopped', instances: { all: 'stopped' } } };
}

/** Instances keep their status over a restart until the probe shows which came back. */
export async function restart(work: HostWork): Promise<Done> {
  await change(work);
  const { instances, warning } = await probed(work);
  return { left: { osStatus: 'running', instances }, ...(warning && { warning }) };
}
