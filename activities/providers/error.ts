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

  constructor(kind: ProviderErrorKind, provider: string, message: string, retryAfterMs: number | null = null) {
    super(message);
    this.name = 'ProviderError';
    this.kind = kind;
    this.provider = provider;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A final refusal of the named provider. */
export function refused(provider: string, message: string): ProviderError {
  return new ProviderError('refused', provider, message);
}

/** A failure of the named provider that may pass. */
export function unavailable(provider: string, message: string): ProviderError {
  return new ProviderError('unavailable', provider, message);
}

/** Asked too often; `retryAfterMs` as the provider says it, or a second. Nothing was done. */
export function throttled(provider: string, message: string, retryAfterMs = 1_000): ProviderError {
  return new ProviderError('unavailable', provider, message, retryAfterMs);
}
