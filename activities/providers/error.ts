export type ProviderErrorKind = 'refused' | 'unavailable';

/**
 * What every driver throws: `refused` is final (asking again gives the same answer), `unavailable` may be tried again.
 * The message is shown to users: it names things, never secrets.
 */
export class ProviderError extends Error {
  readonly kind: ProviderErrorKind;
  readonly provider: string;
  /** Set when the provider said that it was asked too often: no call before this many ms. */
  readonly retryAfterMs: number | null;
  /** Set when what was asked for was certainly not done, nor begun. */
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

/** Thrown when nobody can say whether what was asked for was done: final, and neither success nor failure. */
export class OutcomeUnknownError extends ProviderError {
  constructor(provider: string, message: string) {
    super('refused', provider, message);
    this.name = 'OutcomeUnknownError';
  }
}

/** Thrown when it is the host itself that does not answer, while what leads to it does; it may pass. */
export class HostUnreachableError extends ProviderError {
  constructor(provider: string, message: string) {
    super('unavailable', provider, message);
    this.name = 'HostUnreachableError';
  }
}

/** A failure of the named provider that may pass. */
export function unavailable(provider: string, message: string): ProviderError {
  return new ProviderError('unavailable', provider, message);
}

/** A failure of the named provider that may pass, before anything was sent to it. */
export function unreached(provider: string, message: string): ProviderError {
  return new ProviderError('unavailable', provider, message, null, true);
}

/** Work that changes nothing: what fails in it has left everything as it was. */
export async function before<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    const { kind, provider, message, retryAfterMs } = error;
    throw new ProviderError(kind, provider, message, retryAfterMs, true);
  }
}

/** Asked too often; `retryAfterMs` as the provider says it, or a second. Nothing was done. */
export function throttled(provider: string, message: string, retryAfterMs = 1_000): ProviderError {
  return new ProviderError('unavailable', provider, message, retryAfterMs);
}
