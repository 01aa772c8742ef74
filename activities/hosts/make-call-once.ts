import { answerCall, intendCall, takeOverCall, withdrawCall } from '../../db/hosts/calls.ts';
import type { Intent } from '../../db/hosts/calls.ts';
import type { HostCallRow } from '../../db/hosts/tables.ts';
import { CancelledError, HostTaskError } from './host-task-error.ts';
import type { HostWork } from './host-work.ts';

/** The result of a call; `isRepeated`: an earlier attempt recorded the intent but got no response. */
type Make = (intent: HostCallRow, isRepeated: boolean) => Promise<Pick<HostCallRow, 'job' | 'note'>>;

/** Makes a mutating call unless its result is recorded. Records the intent before and the result after. */
export async function once(
  work: HostWork,
  wanted: Partial<Intent> & Pick<Intent, 'way'>,
  known: HostCallRow | undefined,
  make: Make,
): Promise<HostCallRow> {
  if (known && known.answeredTime !== null) return known;
  const { db } = work.deps;
  const restarting = work.kind === 'restart' ? { osStatus: 'restarting' as const } : {};
  const earlier = known && (await takeOverCall(db, known));
  const intent =
    earlier ?? (await intendCall(db, work, { last: null, ...wanted, shows: { ...restarting, ...wanted.shows } }));
  if (!intent) throw new CancelledError();
  try {
    return await answerCall(db, intent, await make(intent, earlier !== undefined));
  } catch (error) {
    // Otherwise the next attempt would attribute unrelated recent changes of the host to this call.
    if (!earlier && error instanceof HostTaskError && error.untouched) await withdrawCall(db, intent);
    throw error;
  }
}
