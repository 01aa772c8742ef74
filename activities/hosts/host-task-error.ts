// Errors of host tasks, tagged with the system that failed, which decides the documented code, and the not-ready-yet signal.
// advance-host.ts turns each into an outcome or another attempt.
import { ProviderError, OutcomeUnknownError } from '../providers/error.ts';
import { UnknownTemplateError } from '../providers/monitoring/driver.ts';
import { renderReason, type Message } from '../../kit/messages/message.ts';

export type TroubledSystem = 'runner' | 'cloud' | 'monitoring';

type TroubleKind = 'refused' | 'unavailable' | 'pending';

/** `pending`: the system responded, but the host has not reached its target state. */
export class HostTaskError extends Error {
  readonly source: TroubledSystem;
  readonly kind: TroubleKind;
  /** Minimum delay in ms before the next attempt, as requested by the provider. */
  readonly retryAfterMs: number | null;
  readonly missing: UnknownTemplateError | null;
  /** Why, if that is known here and not a provider's text. */
  readonly said: Message | null;
  /** Certainly had no effect. */
  readonly untouched: boolean;
  /** May have had an effect; only for refusals. */
  readonly unclear: boolean;

  constructor(source: TroubledSystem, kind: TroubleKind, message: string, more: Partial<HostTaskError> = {}) {
    super(message);
    this.name = 'HostTaskError';
    this.source = source;
    this.kind = kind;
    this.retryAfterMs = more.retryAfterMs ?? null;
    this.missing = more.missing ?? null;
    this.said = more.said ?? null;
    this.untouched = more.untouched ?? false;
    this.unclear = more.unclear ?? false;
  }
}

/** The task was cancelled before any call for this host. */
export class CancelledError extends Error {}

export const pending = (source: TroubledSystem, message: string): HostTaskError =>
  new HostTaskError(source, 'pending', message);
export const refusedBy = (source: TroubledSystem, why: Message | string): HostTaskError =>
  new HostTaskError(source, 'refused', renderReason(why, 'en'), { said: typeof why === 'string' ? null : why });

/** Awaits a driver's result; tags its failure as HostTaskError with that source. */
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

/** Whether a driver responds; false: it is unreachable. */
export async function answers(source: TroubledSystem, work: Promise<unknown>): Promise<boolean> {
  try {
    await asking(source, work);
    return true;
  } catch (error) {
    if (error instanceof HostTaskError && error.kind === 'unavailable') return false;
    throw error;
  }
}
