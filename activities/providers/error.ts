export type ProviderErrorKind = 'refused' | 'unavailable';

/**
 * The error of every driver: `refused` is final (a retry gives the same result), `unavailable` may be retried. The message
 * is shown to users: it names things, never secrets.
 */
export class ProviderError extends Error {
  readonly kind: ProviderErrorKind;
  readonly provider: string;
  /** Set when the provider throttles: no call before this many ms. */
  readonly retryAfterMs: number | null;
  /** Set when the request certainly had no effect. */
  readonly untouched: boolean;

  constructor(
    kind: ProviderErrorKind,
    provider: string,
    message: string,
    retryAfterMs: number | null = null,
    untouched = retryAfterMs !== null,
  ) {
    super(message);
    this.name = 'ProviderError';
    this.kind = kind;
    this.provider = provider;
    this.retryAfterMs = retryAfterMs;
    this.untouched = untouched;
  }
}

/** A final refusal of the named provider. */
export function refused(provider: string, message: string): ProviderError {
  return new ProviderError('refused', provider, message);
}

/** It is unknown whether the request took effect: final, and neither success nor failure. */
export class OutcomeUnknownError extends ProviderError {
  constructor(provider: string, message: string) {
    super('refused', provider, message);
    this.name = 'OutcomeUnknownError';
  }
}

/** The host itself is unreachable, while its gateway responds; retryable. */
export class HostUnreachableError extends ProviderError {
  constructor(provider: string, message: string) {
    super('unavailable', provider, message);
    this.name = 'HostUnreachableError';
  }
}

/** A retryable failure of the named provider. */
export function unavailable(provider: string, message: string): ProviderError {
  return new ProviderError('unavailable', provider, message);
}

/** A retryable failure of the named provider, before any request was sent. */
export function unreached(provider: string, message: string): ProviderError {
  return new ProviderError('unavailable', provider, message, null, true);
}

/** Marks failures of read-only work as having had no effect. */
export async function before<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    const { kind, provider, message, retryAfterMs } = error;
    throw new ProviderError(kind, provider, message, retryAfterMs, true);
  }
}

/** Throttled: `retryAfterMs` as the provider reports it, or a second. The request had no effect. */
export function throttled(provider: string, message: string, retryAfterMs = 1_000): ProviderError {
  return new ProviderError('unavailable', provider, message, retryAfterMs);
}
