import { answerCall, intendCall, takeOverCall, withdrawCall } from '../../db/hosts/calls.ts';
import type { CallWay, HostCallRow } from '../../db/hosts/tables.ts';
import { showHost } from '../../db/hosts/work.ts';
import { Cancelled, Trouble } from './trouble.ts';
import type { HostWork } from './work.ts';

/** What a call answers; `askedBefore` is set when an earlier attempt's answer never came. */
type Make = (intent: HostCallRow, askedBefore: Date | null) => Promise<Pick<HostCallRow, 'job' | 'note'>>;

/** Makes a call that changes something, unless it was answered already; its intent is written before, its answer after. */
export async function once(
  work: HostWork,
  way: CallWay,
  known: HostCallRow | undefined,
  make: Make,
): Promise<HostCallRow> {
  if (known && known.answeredTime !== null) return known;
  const { db } = work.deps;
  const earlier = known && (await takeOverCall(db, known));
  const intent = earlier ?? (await intendCall(db, work, way));
  if (!intent) throw new Cancelled();
  if (work.kind === 'restart') await showHost(db, work.host.id, { osStatus: 'restarting' });
  try {
    return await answerCall(db, intent, await make(intent, earlier ? earlier.askedTime : null));
  } catch (error) {
    // Else the next attempt would take for this call's effect whatever else was done to the host lately.
    if (!earlier && error instanceof Trouble && error.untouched) await withdrawCall(db, intent);
    throw error;
  }
}
