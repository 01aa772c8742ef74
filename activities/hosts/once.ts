import { answerCall, intendCall } from '../../db/hosts/calls.ts';
import type { CallWay, HostCallRow } from '../../db/hosts/tables.ts';
import { Cancelled } from './trouble.ts';
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
  const intent = known ?? (await intendCall(db, work, way));
  if (!intent) throw new Cancelled();
  return answerCall(db, intent, await make(intent, known ? known.askedTime : null));
}
