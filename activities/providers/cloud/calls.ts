// Common to all provider calls: rate limit, deadline, and error messages without request data. Providers' own texts are
// shortened, and omitted when keys are the problem.
import type { z } from 'zod';
import { withTimeout } from '../../../kit/abort.ts';
import { ProviderError, unavailable, unreached } from '../error.ts';
import type { RatePacer } from '../../../db/coordination/rate-pacer.ts';
import { ownTurns } from './rate.ts';

/** Options of provider calls; the rate limit is per account. */
export interface CallOptions {
  /** Calls per second. */
  rate: number;
  /** Shared by all workers; by default the limit is per process. */
  turns?: RatePacer;
  /** Deadline of a single call. */
  timeoutMs?: number;
}

export const callTimeoutMs = 10_000;

/** Runs a call within the rate limit and the deadline. */
export type PacedCaller = <T>(call: () => Promise<T>) => Promise<T>;

/** Creates a caller that spaces calls to an account at `name` and applies the deadline to each. */
export function createCaller(name: string, account: string, options: CallOptions): PacedCaller {
  const { rate, timeoutMs = callTimeoutMs, turns = ownTurns } = options;
  const turn = turns(`${name}/${account}`, rate);
  return async (call) => {
    await turn();
    // SDKs have several timeouts, but none bounds a slowly trickling response.
    return withTimeout(call(), timeoutMs, () => {
      throw unavailable(name, `${name} did not answer within ${timeoutMs / 1000} s`);
    });
  };
}

/** An error returned by a cloud itself, with its code. */
export class CloudApiError extends ProviderError {
  readonly code: string;

  constructor(cause: ProviderError, code: string) {
    super(cause.kind, cause.provider, cause.message, cause.retryAfterMs);
    this.code = code;
  }
}

/** Calls an SDK, which is loaded at the first call and outside its deadline; checks what it answers. */
export function createSdkCall<C>(run: PacedCaller, load: () => Promise<C>) {
  let client: Promise<C> | undefined;
  return async <S extends z.ZodType>(
    name: string,
    answer: S,
    send: (client: C) => Promise<unknown>,
    failureOf: (error: unknown) => ProviderError,
  ): Promise<z.output<S>> => {
    client ??= load();
    const loaded = await client;
    return run(async () => {
      const given = await send(loaded).catch((error: unknown) => {
        throw failureOf(error);
      });
      const parsed = answer.safeParse(given);
      if (!parsed.success) throw notUnderstood(name);
      return parsed.data;
    });
  };
}

/** A failed handshake happens before any request is sent. */
function failedTls(name: string, code: string): ProviderError {
  const text = `TLS with ${name} failed (${code}); check its address and certificate`;
  return /CERT|SELF_SIGNED|UNABLE_TO_|WRONG_VERSION/.test(code) ? unreached(name, text) : unavailable(name, text);
}

/** Codes of connections that were never established. */
const neverMade = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH'];

/** Maps a connection error. */
export function connectionFailure(name: string, error: unknown): ProviderError {
  const code = systemCode(error);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return unreached(name, `the address of ${name} can't be resolved (${code})`);
  if (code !== null && /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO_|WRONG_VERSION/.test(code)) return failedTls(name, code);
  const failed = `the connection to ${name} failed${code === null ? '' : ` (${code})`}`;
  return code !== null && neverMade.includes(code) ? unreached(name, failed) : unavailable(name, failed);
}

/** The system error code, such as ECONNREFUSED, anywhere in the chain of causes. */
export function systemCode(error: unknown): string | null {
  for (let one = error; one instanceof Error; one = one.cause)
    if ('code' in one && typeof one.code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(one.code)) return one.code;
  const word =
    error instanceof Error
      ? /\b(E[A-Z]{4,}|[A-Z]+(?:_[A-Z]+)*_(?:CERT|CERTIFICATE|SIGNATURE))\b/.exec(error.message)
      : null;
  return word?.[1] ?? null;
}

/** A provider's message, in one shortened line. */
export const said = (text: unknown): string =>
  typeof text === 'string' && text !== '' ? `: ${text.replace(/\s+/g, ' ').slice(0, 200)}` : '';

/** An unparsable response, such as a proxy's page or a truncated document. */
export const notUnderstood = (name: string): ProviderError =>
  unavailable(name, `${name} gave an answer that can't be understood; check its address, and what is between`);

/** The settings that hold an account's keys. */
export const keysOf = (account: string, variables: string): string =>
  account === 'default' ? variables : `SLIPWAY_CLOUD_ACCOUNTS_FILE (account ${account})`;
