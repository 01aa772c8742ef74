// Tencent Cloud's SDK, for both CVM and CPM (its CPM package is no longer published). Loaded at the first call. Our own
// agent makes it ignore proxy variables; it neither retries nor logs.
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { CommonClient } from 'tencentcloud-sdk-nodejs-common';
import { z } from 'zod';
import { checkedLookup } from '../../../kit/checked-lookup.ts';
import type { TencentAccount } from '../../../kit/config/cloud-accounts.ts';
import type { ProviderError } from '../error.ts';
import { refused, throttled, unavailable } from '../error.ts';
import {
  CloudApiError,
  callTimeoutMs,
  connectionFailure,
  createSdkCall,
  keysOf,
  notUnderstood,
  said,
  systemCode,
} from './calls.ts';
import type { CallOptions, PacedCaller } from './calls.ts';

/** One of the services, with its API version. */
interface TencentService {
  /** For messages. */
  name: string;
  service: 'cvm' | 'bm';
  version: string;
}

type TencentCall = <S extends z.ZodType>(action: string, parameters: object, answer: S) => Promise<z.output<S>>;

const variables = 'SLIPWAY_TENCENT_SECRET_ID and SLIPWAY_TENCENT_SECRET_KEY';

/** The SDK takes our agent: its connections are checked like all others. */
function agentFor({ protocol, hostname }: URL): HttpAgent {
  // The service is the host's first label, so a test server on loopback needs a `.localhost` name (RFC 6761).
  const checked = checkedLookup(hostname);
  const lookup: LookupFunction = (name, options, callback) =>
    checked(name.endsWith('.localhost') ? '127.0.0.1' : name, options, callback);
  return new (protocol === 'http:' ? HttpAgent : HttpsAgent)({ keepAlive: true, lookup });
}

async function createClient(
  { service, version }: TencentService,
  account: TencentAccount,
  region: string,
  timeoutMs: number,
): Promise<CommonClient> {
  const { CommonClient } = await import('tencentcloud-sdk-nodejs-common');
  const url = new URL(account.endpoint.replace('{service}', service).replace('{region}', region));
  return new CommonClient(url.host, version, {
    credential: { secretId: account.secretId, secretKey: account.secretKey },
    region,
    profile: {
      language: 'en-US',
      httpProfile: {
        protocol: `${url.protocol}//`,
        reqMethod: 'POST',
        reqTimeout: timeoutMs / 1000,
        agent: agentFor(url),
      },
    },
  });
}

const passing =
  /^(InternalError|InternalServerError|ResourceUnavailable|ResourceInsufficient|ResourceBusy|MutexOperation)|InProgress|TaskRunning/;

function errorOf(name: string, keys: string, action: string, code: string, message: unknown): ProviderError {
  if (/^(RequestLimitExceeded|LimitExceeded\.Freq)/.test(code))
    return throttled(name, `${name} was asked too often (${code})`);
  if (/^AuthFailure\.UnauthorizedOperation|^UnauthorizedOperation/.test(code))
    return refused(name, `${name} does not allow ${action} with these keys (${code}); check the policy behind ${keys}`);
  if (code === 'AuthFailure.SignatureExpire')
    return refused(name, `${name} finds the request too old (${code}); check the clock of this machine`);
  if (code.startsWith('AuthFailure')) return refused(name, `${name} refuses the keys (${code}); check ${keys}`);
  const text = `${name} refused ${action} (${code})${said(message)}`;
  return passing.test(code) ? unavailable(name, text) : refused(name, text);
}

const thrown = z.object({
  message: z.string().optional(),
  code: z.string().optional(),
  httpCode: z.number().optional(),
  name: z.string().optional(),
});

/** Maps an SDK error to a ProviderError; a refusal by the API keeps its code. */
function failureOf(name: string, keys: string, action: string, error: unknown): ProviderError {
  const { code, httpCode, message = '', name: type } = thrown.parse(error);
  const system = systemCode(error);
  if (system !== null) return connectionFailure(name, error);
  if (code !== undefined) return new CloudApiError(errorOf(name, keys, action, code, message), code);
  if (httpCode === 429) return throttled(name, `${name} was asked too often`);
  if (httpCode !== undefined && httpCode < 500) return refused(name, `${name} refused ${action} (HTTP ${httpCode})`);
  if (httpCode !== undefined) return unavailable(name, `${name} failed (HTTP ${httpCode})`);
  const isConnection = type === 'TencentCloudSDKException' || /socket|network|premature|aborted/i.test(message);
  return isConnection ? connectionFailure(name, error) : notUnderstood(name);
}

/** Calls one service for one account in one region. */
export function createTencentCall(
  service: TencentService,
  account: TencentAccount,
  region: string,
  options: CallOptions & { run: PacedCaller },
): TencentCall {
  const { name } = service;
  const keys = keysOf(account.name, variables);
  const call = createSdkCall(options.run, () =>
    createClient(service, account, region, options.timeoutMs ?? callTimeoutMs),
  );
  return (action, parameters, answer) =>
    call(
      name,
      answer,
      (sdk) => sdk.request(action, parameters),
      (error) => failureOf(name, keys, action, error),
    );
}
