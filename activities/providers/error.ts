export type ProviderErrorKind = 'refused' | 'unavailable';

/**
 * What every driver throws: `refused` is final (asking again gives the same answer), `unavailable` may be tried again.
 * The message is shown to users: it names things, never secrets.
 */
export class ProviderError extends Error {
  readonly kind: ProviderErrorKind;
  readonly provider: string;

  constructor(kind: ProviderErrorKind, provider: string, message: string) {
    super(message);
    this.name = 'ProviderError';
    this.kind = kind;
    this.provider = provider;
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
