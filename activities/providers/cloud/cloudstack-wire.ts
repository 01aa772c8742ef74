// Client of CloudStack's signed HTTP API, written here as no npm client is trusted with the keys. Uses POST, so that access
// logs hold neither keys nor signatures; requests expire after a minute (signature version 3).
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import type { CloudStackAccount } from '../../../kit/config/cloud-accounts.ts';
import { ProviderError, refused, throttled, unavailable } from '../error.ts';
import { outbound, OutboundError } from '../outbound.ts';
import { callTimeoutMs, connectionFailure, createCaller, keysOf, notUnderstood, said } from './calls.ts';
import type { CallOptions } from './calls.ts';

export type Parameters = Readonly<Record<string, string>>;

const validMs = 60_000;
const mostAnswered = 32 * 2 ** 20;

/** Calls a command and returns the content of its `…response`. */
export type CloudStackCall = <S extends z.ZodType>(
  command: string,
  parameters: Parameters,
  answer: S,
) => Promise<z.output<S>>;

/** Encodes like Java's URLEncoder, but with %20 for spaces. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()~]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);

/** The signature of CloudStack's developer guide: HMAC-SHA1 over the sorted, lower-cased query. */
function sign(parameters: Parameters, secretKey: string): string {
  const query = Object.entries(parameters)
    .map(([key, value]) => `${key.toLowerCase()}=${encode(value).toLowerCase()}`)
    .sort()
    .join('&');
  return createHmac('sha1', secretKey).update(query).digest('base64');
}

function signed(account: CloudStackAccount, command: string, parameters: Parameters): string {
  const expires = new Date(Date.now() + validMs).toISOString().replace(/\.\d+Z$/, '+0000');
  const all = { ...parameters, command, response: 'json', apiKey: account.apiKey, signatureVersion: '3', expires };
  const signature = sign(all, account.secretKey);
  return Object.entries({ ...all, signature })
    .map(([key, value]) => `${key}=${encode(value)}`)
    .join('&');
}

const failure = z.object({ errorcode: z.number(), errortext: z.string().optional() });

/** An error returned by CloudStack itself, with its code. */
export class CloudStackError extends ProviderError {
  readonly code: number;
  readonly text: string;

  constructor(cause: ProviderError, code: number, text: string) {
    super(cause.kind, cause.provider, cause.message, cause.retryAfterMs);
    this.code = code;
    this.text = text;
  }
}

/** Transient codes: the management server's own errors, and capacity. */
const passing = [530, 533, 534, 535, 500, 502, 503, 504];

function errorOf(name: string, keys: string, command: string, code: number, text = ''): ProviderError {
  if (code === 401) return refused(name, `${name} refuses the keys; check ${keys} and the clock of this machine`);
  if (code === 429)
    return throttled(name, `${name} was asked too often`, Number(/(\d+)\s*ms/.exec(text)?.[1] ?? 1_000));
  if (code === 432)
    return refused(name, `${name} does not allow ${command} with these keys; check the role behind ${keys}`);
  const message = `${name} refused ${command} (${code})${said(text)}`;
  return passing.includes(code) ? unavailable(name, message) : refused(name, message);
}

async function post(name: string, { endpoint }: CloudStackAccount, body: string, timeoutMs: number) {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  try {
    return await outbound({
      url: new URL(endpoint),
      method: 'POST',
      headers,
      body,
      timeoutMs,
      limitBytes: mostAnswered,
    });
  } catch (error) {
    if (error instanceof OutboundError && error.final) throw refused(name, `${name}: ${error.message}`);
    throw connectionFailure(name, error);
  }
}

/** Creates the signed API client of one account. */
export function createCloudStackCall(
  name: string,
  account: CloudStackAccount,
  variables: string,
  options: CallOptions,
): CloudStackCall {
  const keys = keysOf(account.name, variables);
  const run = createCaller(name, account.name, options);
  return async (command, parameters, answer) =>
    run(async () => {
      // The deadline of all calls comes first.
      const timeoutMs = (options.timeoutMs ?? callTimeoutMs) + 1_000;
      const { status, headers, body } = await post(name, account, signed(account, command, parameters), timeoutMs);
      if (status >= 300 && status < 400) throw unavailable(name, `${name} redirects elsewhere; check its address`);
      const isJson = /json|javascript/.test(headers['content-type'] ?? '');
      const inside = isJson ? insideOf(body.toString()) : undefined;
      const wrong = failure.safeParse(inside);
      if (wrong.success) {
        const { errorcode, errortext = '' } = wrong.data;
        throw new CloudStackError(errorOf(name, keys, command, errorcode, errortext), errorcode, errortext);
      }
      if (status === 401 || status === 429) throw errorOf(name, keys, command, status);
      const parsed = answer.safeParse(inside);
      if (status !== 200 || !parsed.success) throw notUnderstood(name);
      return parsed.data;
    });
}

/** Responses are an object with one field, `<command>response` or `errorresponse`. */
function insideOf(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? Object.values(value)[0] : undefined;
  } catch {
    return undefined;
  }
}
