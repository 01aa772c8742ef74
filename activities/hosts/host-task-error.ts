// What goes wrong on the way of a host task, told by who it went wrong with, because the documented codes go by that; and
// what is only not so far yet. One place turns either into an outcome or another attempt (advance-host.ts).
import { ProviderError, OutcomeUnknownError } from '../providers/error.ts';
import { UnknownTemplateError } from '../providers/monitoring/driver.ts';

export type TroubledSystem = 'runner' | 'cloud' | 'monitoring';

export type TroubleKind = 'refused' | 'unavailable' | 'pending';

/** `pending`: asked and answered, but the host is not where it should be yet. */
export class HostTaskError extends Error {
  readonly source: TroubledSystem;
  readonly kind: TroubleKind;
  /** Least time in ms before the next attempt, when the provider said so. */
  readonly retryAfterMs: number | null;
  readonly missing: UnknownTemplateError | null;
  /** Certainly nothing was done. */
  readonly untouched: boolean;
  /** Nobody can say whether it was done; only of what is refused. */
  readonly unclear: boolean;

  constructor(source: TroubledSystem, kind: TroubleKind, message: string, more: Partial<HostTaskError> = {}) {
    super(message);
    this.name = 'HostTaskError';
    this.source = source;
    this.kind = kind;
    this.retryAfterMs = more.retryAfterMs ?? null;
    this.missing = more.missing ?? null;
    this.untouched = more.untouched ?? false;
    this.unclear = more.unclear ?? false;
  }
}

/** The task was cancelled before this host asked for anything. */
export class CancelledError extends Error {}

export const pending = (source: TroubledSystem, message: string): HostTaskError =>
  new HostTaskError(source, 'pending', message);
export const refusedBy = (source: TroubledSystem, message: string): HostTaskError =>
  new HostTaskError(source, 'refused', message);

/** The answer of a driver; its failure as HostTaskError with that source. */
export async function asking<T>(source: TroubledSystem, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof UnknownTemplateError)
      throw new HostTaskError(source, 'refused', error.message, { missing: error });
    if (!(error instanceof ProviderError)) throw error;
    const { kind, message, retryAfterMs, untouched } = error;
    throw new HostTaskError(source, kind, message, {
      retryAfterMs,
      untouched,
      unclear: error instanceof OutcomeUnknownError,
    });
  }
}

/** Whether a driver answers; false: it is out of reach. */
export async function answers(source: TroubledSystem, work: Promise<unknown>): Promise<boolean> {
  try {
    await asking(source, work);
    return true;
  } catch (error) {
    if (error instanceof HostTaskError && error.kind === 'unavailable') return false;
    throw error;
  }
}
