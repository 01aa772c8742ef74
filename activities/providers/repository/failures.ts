// Maps failures of repositories to our own messages. Servers' texts are not passed on, as they may echo the request.
import { raceAbort } from '../../../kit/abort.ts';
import { ProviderError, refused, unavailable } from '../error.ts';

const fieldOf = (error: unknown, field: 'code' | 'message'): string => {
  const value = typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[field] : undefined;
  return typeof value === 'string' ? value : '';
};

const isCertificate = (code: string): boolean =>
  /CERT|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)|INVALID_CA|PATH_LENGTH|HOSTNAME_MISMATCH/.test(code);

/** Maps errors of the network or TLS; a ProviderError is returned as it is. */
export function networkFailure(provider: string, where: string, error: unknown): ProviderError {
  if (error instanceof ProviderError) return error;
  const code = fieldOf(error, 'code');
  if (isCertificate(code)) {
    const why = 'its certificate is not valid here; a private CA goes into SLIPWAY_REPOSITORY_CA_FILE';
    return refused(provider, `${where}: ${why} (${code})`);
  }
  const late = /time(?:d )?out/i.test(fieldOf(error, 'message'));
  return unavailable(
    provider,
    `${where} ${late ? 'does not answer in time' : "can't be reached"}${code && ` (${code})`}`,
  );
}

/** Runs work that `end` aborts on the signal or after `timeoutMs`; then the work's own failure is ignored. */
export async function bounded<T>(
  provider: string,
  { signal, timeoutMs, end }: { signal: AbortSignal; timeoutMs: number; end: () => void },
  work: () => Promise<T>,
): Promise<T> {
  const late = AbortSignal.timeout(timeoutMs);
  const over = AbortSignal.any([signal, late]);
  const leave = (): never => {
    end();
    const why = late.aborted ? `the package did not come within ${timeoutMs / 1000} s` : 'the reading was cancelled';
    throw unavailable(provider, why);
  };
  return over.aborted ? leave() : raceAbort(work(), over, leave);
}
