import { answerCall, intendCall, takeOverCall, withdrawCall } from '../../db/hosts/calls.ts';
import type { CallWay, HostCallRow } from '../../db/hosts/tables.ts';
import { showHost } from '../../db/hosts/work.ts';
import { Cancelled, Trouble } from './trouble.ts';
import type { HostWork } from './work.ts';

/** What a call answers; `isRepeated`: the intent is of an earlier attempt, whose answer never came. */
type Make = (intent: HostCallRow, isRepeated: boolean) => Promise<Pick<HostCallRow, 'job' | 'note'>>;

/** How a call goes, and what there was before it that tells its effect. */
export interface Intent {
  way: CallWay;
  last: string | null;
}

/** Makes a call that changes something, unless it was answered already; its intent is written before, its answer after. */
export async function once(
  work: HostWork,
  wanted: Intent,
  known: HostCallRow | undefined,
  make: Make,
): Promise<HostCallRow> {
  if (known && known.answeredTime !== null) return known;
  const { db } = work.deps;
  const earlier = known && (await takeOverCall(db, known));
  const intent = earlier ?? (await intendCall(db, work, wanted));
  if (!intent) throw new Cancelled();
  if (work.kind === 'restart') await showHost(db, work.host.id, { osStatus: 'restarting' });
  try {
    return await answerCall(db, intent, await make(intent, earlier !== undefined));
  } catch (error) {
    // Else the next attempt would take for this call's effect whatever else was done to the host lately.
    if (!earlier && error instanceof Trouble && error.untouched) await withdrawCall(db, intent);
    throw error;
  }
}
