// What every call to a provider has: its turn under the rate limit, a deadline, and failures in words that hold nothing of
// the request. Providers' own texts are shown shortened, and never where keys are at issue.
import type { ProviderError } from '../error.ts';
import { unavailable, unreached } from '../error.ts';
import type { RatePacer } from '../../../db/coordination/rate-pacer.ts';
import { ownTurns } from './rate.ts';

/** How a provider is called; the rate is per account. */
export interface CallOptions {
  /** Calls a second. */
  rate: number;
  /** Shared by all workers; by default the rate is this process's own. */
  turns?: RatePacer;
  /** The longest that a single call may take. */
  timeoutMs?: number;
}

export const callTimeoutMs = 10_000;

/** Runs a call in its turn and under the deadline. */
export type Caller = <T>(call: () => Promise<T>) => Promise<T>;

/** Runs calls to an account at `name` one turn after another, each under the deadline. */
export function createCaller(name: string, account: string, options: CallOptions): Caller {
  const { rate, timeoutMs = callTimeoutMs, turns = ownTurns } = options;
  const turn = turns(`${name}/${account}`, rate);
  return async (call) => {
    await turn();
    return inTime(name, timeoutMs, call);
  };
}

// SDKs have several timeouts, and none of them bounds an answer that trickles.
async function inTime<T>(name: string, ms: number, call: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(unavailable(name, `${name} did not answer within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([call(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A handshake that was refused is before anything that is sent. */
function failedTls(name: string, code: string): ProviderError {
  const text = `TLS with ${name} failed (${code}); check its address and certificate`;
  return /CERT|SELF_SIGNED|UNABLE_TO_|WRONG_VERSION/.test(code) ? unreached(name, text) : unavailable(name, text);
}

/** Of connections that did not come about. */
const neverMade = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH'];

/** Why a connection failed. */
export function connectionFailure(name: string, error: unknown): ProviderError {
  const code = systemCode(error);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return unreached(name, `the address of ${name} can't be resolved (${code})`);
  if (code !== null && /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO_|WRONG_VERSION/.test(code)) return failedTls(name, code);
  const failed = `the connection to ${name} failed${code === null ? '' : ` (${code})`}`;
  return code !== null && neverMade.includes(code) ? unreached(name, failed) : unavailable(name, failed);
}

/** The system's word for a failure, such as ECONNREFUSED, wherever it is in the chain of causes. */
export function systemCode(error: unknown): string | null {
  for (let one = error; one instanceof Error; one = one.cause)
    if ('code' in one && typeof one.code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(one.code)) return one.code;
  const word =
    error instanceof Error
      ? /\b(E[A-Z]{4,}|[A-Z]+(?:_[A-Z]+)*_(?:CERT|CERTIFICATE|SIGNATURE))\b/.exec(error.message)
      : null;
  return word?.[1] ?? null;
}

/** A provider's own sentence, one line and not too long. */
export const said = (text: unknown): string =>
  typeof text === 'string' && text !== '' ? `: ${text.replace(/\s+/g, ' ').slice(0, 200)}` : '';

/** An answer that can't be what it should: a proxy's page, half a document. */
export const notUnderstood = (name: string): ProviderError =>
  unavailable(name, `${name} gave an answer that can't be understood; check its address, and what is between`);

/** Where the keys of an account are set. */
export const keysOf = (account: string, variables: string): string =>
  account === 'default' ? variables : `SLIPWAY_CLOUD_ACCOUNTS_FILE (account ${account})`;
