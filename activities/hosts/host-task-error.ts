// What goes wrong on the way of a host task, told by who it went wrong with, because the documented codes go by that; and
// what is only not so far yet. One place turns either into an outcome or another attempt (act.ts).
import { ProviderError, Unclear } from '../providers/error.ts';
import { MissingName } from '../providers/monitoring/driver.ts';

export type Source = 'runner' | 'cloud' | 'monitoring';

export type TroubleKind = 'refused' | 'unavailable' | 'pending';

/** `pending`: asked and answered, but the host is not where it should be yet. */
export class Trouble extends Error {
  readonly source: Source;
  readonly kind: TroubleKind;
  /** Least time in ms before the next attempt, when the provider said so. */
  readonly retryAfterMs: number | null;
  readonly missing: MissingName | null;
  /** Certainly nothing was done. */
  readonly untouched: boolean;
  /** Nobody can say whether it was done; only of what is refused. */
  readonly unclear: boolean;

  constructor(source: Source, kind: TroubleKind, message: string, more: Partial<Trouble> = {}) {
    super(message);
    this.name = 'Trouble';
    this.source = source;
    this.kind = kind;
    this.retryAfterMs = more.retryAfterMs ?? null;
    this.missing = more.missing ?? null;
    this.untouched = more.untouched ?? false;
    this.unclear = more.unclear ?? false;
  }
}

/** The task was cancelled before this host asked for anything. */
export class Cancelled extends Error {}

export const pending = (source: Source, message: string): Trouble => new Trouble(source, 'pending', message);
export const refusedBy = (source: Source, message: string): Trouble => new Trouble(source, 'refused', message);

/** The answer of a driver; its failure as Trouble with that source. */
export async function asking<T>(source: Source, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof MissingName) throw new Trouble(source, 'refused', error.message, { missing: error });
    if (!(error instanceof ProviderError)) throw error;
    const { kind, message, retryAfterMs, untouched } = error;
    throw new Trouble(source, kind, message, { retryAfterMs, untouched, unclear: error instanceof Unclear });
  }
}

/** Whether a driver answers; false: it is out of reach. */
export async function answers(source: Source, work: Promise<unknown>): Promise<boolean> {
  try {
    await asking(source, work);
    return true;
  } catch (error) {
    if (error instanceof Trouble && error.kind === 'unavailable') return false;
    throw error;
  }
}
