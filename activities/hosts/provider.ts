// Power by the provider's API: calls it once, then polls until the machine reaches its state and, unless it was stopped, its
// runner responds.
import { markDown } from '../../db/hosts/calls.ts';
import type { HostCallRow } from '../../db/hosts/tables.ts';
import type { CloudDriver, Machine, PowerAction } from '../providers/cloud/driver.ts';
import { once } from './make-call-once.ts';
import { answers, asking, pending, refusedBy } from './host-task-error.ts';
import { isForced, note } from './host-work.ts';
import type { HostWork } from './host-work.ts';

const target = { start: 'running', stop: 'stopped', restart: 'running' } as const;

export async function byProvider(work: HostWork, known: HostCallRow | undefined): Promise<void> {
  const { cloud } = work;
  const action = work.kind as PowerAction;
  if (!cloud) throw refusedBy('cloud', `no provider is configured for ${work.host.hostType} ${work.host.name}`);
  const call = known?.answeredTime ? known : await asked(work, cloud, known, action);
  await reached(work, cloud, call, action);
  if (action !== 'stop') await awake(work);
}

/** Makes the call unless the effect of an earlier one is visible; the intent records the state that distinguishes them. */
async function asked(
  work: HostWork,
  cloud: CloudDriver,
  known: HostCallRow | undefined,
  action: PowerAction,
): Promise<HostCallRow> {
  const seen = await asking('cloud', cloud.find(work.ref, { withLast: action === 'restart' && !known }));
  refuseGone(work, cloud, seen);
  const shows = work.ref.place ? {} : { place: seen.place };
  work.ref = { ...work.ref, place: seen.place };
  return once(work, { way: 'provider', last: seen.last, shows }, known, ({ token, askedTime, last }, isRepeated) => {
    const askedBefore = isRepeated ? { time: askedTime, last } : null;
    return asking('cloud', cloud.power(work.ref, { action, force: isForced(work), token, askedBefore, seen }));
  });
}

function refuseGone({ host }: HostWork, cloud: CloudDriver, { state, detail }: Machine): void {
  if (state === 'gone') throw refusedBy('cloud', `${cloud.name} does not have ${host.name}: ${detail}`);
}

async function reached(work: HostWork, cloud: CloudDriver, call: HostCallRow, action: PowerAction): Promise<void> {
  const { deps } = work;
  if (call.job !== null && !(await asking('cloud', cloud.finished(work.ref, call.job))))
    throw pending('cloud', `${cloud.name} is still working on it`);
  const machine = await asking('cloud', cloud.find(work.ref));
  refuseGone(work, cloud, machine);
  if (machine.state !== target[action]) {
    if (call.downSince === null) await markDown(deps.db, call, new Date());
    throw pending('cloud', `${cloud.name} says ${machine.detail}`);
  }
  // Without a job, early polls may show the machine as it was before the restart.
  const sinceMs = Date.now() - (call.answeredTime ?? call.askedTime).getTime();
  const mayBeStale = action === 'restart' && call.job === null && call.downSince === null;
  if (mayBeStale && sinceMs < deps.hostSilenceSeconds * 1000)
    throw pending('cloud', `${cloud.name} says ${machine.detail}, which may be from before`);
}

/** The runner of a started host, if configured, must respond too. */
async function awake(work: HostWork): Promise<void> {
  const { runner, at, host } = work;
  if (!runner) return;
  await note(work, 'runner', 'the machine runs; waiting for its runner');
  if (!(await answers('runner', runner.ping(at)))) throw pending('runner', `host ${host.name} does not answer`);
}
