// Alibaba Cloud's SDK for ECS. Loaded at the first call, as loading takes most of a second and 50 MB. The types used are
// declared here, as the SDK's declarations are two thousand files. Keys are passed explicitly, so the SDK never searches
// files or the metadata service. It neither retries nor logs, and uses no proxy.
import { z } from 'zod';
import type { AliyunAccount } from '../../../kit/config/cloud-accounts.ts';
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

interface Fields {
  [field: string]: string | number | boolean;
}

/** The SDK client's methods, named after their requests. */
interface EcsClient {
  describeInstancesWithOptions(request: object, runtime: object): Promise<{ body?: unknown }>;
  startInstanceWithOptions(request: object, runtime: object): Promise<{ body?: unknown }>;
  stopInstanceWithOptions(request: object, runtime: object): Promise<{ body?: unknown }>;
  rebootInstanceWithOptions(request: object, runtime: object): Promise<{ body?: unknown }>;
}

type EcsAction = 'DescribeInstances' | 'StartInstance' | 'StopInstance' | 'RebootInstance';

type Made<T> = new (fields: object) => T;
type EcsModule = Record<`${EcsAction}Request`, Made<object>> & {
  default: Made<EcsClient> | { default: Made<EcsClient> };
};

type AliyunCall = <S extends z.ZodType>(action: EcsAction, fields: Fields, answer: S) => Promise<z.output<S>>;

const variables = 'SLIPWAY_ALIYUN_ACCESS_KEY_ID and SLIPWAY_ALIYUN_ACCESS_KEY_SECRET';

// Not a literal, so that the compiler does not read the SDK's declarations.
const sdk: string = '@alicloud/ecs20140526';

interface Ecs {
  client: EcsClient;
  requests: EcsModule;
}

async function createClient(account: AliyunAccount, region: string, timeoutMs: number): Promise<Ecs> {
  const requests = (await import(sdk)) as EcsModule;
  const Client = 'default' in requests.default ? requests.default.default : requests.default;
  const url = new URL(account.endpoint.replace('{region}', region));
  const client = new Client({
    accessKeyId: account.accessKeyId,
    accessKeySecret: account.accessKeySecret,
    regionId: region,
    endpoint: url.host,
    protocol: url.protocol.slice(0, -1).toUpperCase(),
    userAgent: 'slipway',
    readTimeout: timeoutMs,
    connectTimeout: timeoutMs,
  });
  return { client, requests };
}

function send({ client, requests }: Ecs, action: EcsAction, fields: Fields): Promise<{ body?: unknown }> {
  const request = new requests[`${action}Request`](fields);
  switch (action) {
    case 'DescribeInstances':
      return client.describeInstancesWithOptions(request, {});
    case 'StartInstance':
      return client.startInstanceWithOptions(request, {});
    case 'StopInstance':
      return client.stopInstanceWithOptions(request, {});
    case 'RebootInstance':
      return client.rebootInstanceWithOptions(request, {});
  }
}

const badKeys =
  /^(InvalidAccessKeyId|InvalidAccessKeySecret|SignatureDoesNotMatch|IncompleteSignature|InvalidSecurityToken|MissingAccessKeyId)/;
const badClock = /^(InvalidTimeStamp|IllegalTimestamp)/;
const forbidden = /^(Forbidden|NoPermission|Unauthorized)/;

function errorOf(
  name: string,
  keys: string,
  action: string,
  { code, statusCode, description, message, wait }: Failure,
) {
  if (statusCode === 429 || code.startsWith('Throttling'))
    return throttled(name, `${name} was asked too often (${code})`, wait ?? 1_000);
  if (badKeys.test(code)) return refused(name, `${name} refuses the keys (${code}); check ${keys}`);
  if (badClock.test(code))
    return refused(name, `${name} finds the request too old (${code}); check the clock of this machine`);
  if (forbidden.test(code))
    return refused(name, `${name} does not allow ${action} with these keys (${code}); check the policy behind ${keys}`);
  const text = `${name} refused ${action} (${code})${said(description ?? message)}`;
  return statusCode >= 500 || /^(ServiceUnavailable|InternalError)/.test(code)
    ? unavailable(name, text)
    : refused(name, text);
}

const thrown = z.object({
  code: z.string(),
  statusCode: z.number(),
  message: z.string().optional(),
  data: z.object({ Message: z.string().optional() }).optional(),
  retryAfter: z.number().optional(),
});

interface Failure {
  code: string;
  statusCode: number;
  description: string | undefined;
  message: string | undefined;
  wait: number | undefined;
}

function failureOf(name: string, keys: string, action: string, error: unknown): ProviderError {
  const { data } = thrown.safeParse(error);
  if (data) {
    const { code, statusCode, message, retryAfter: wait } = data;
    // An intermediary's error page has no code, which the SDK writes as "undefined".
    if (code === 'undefined')
      return statusCode >= 500 ? unavailable(name, `${name} failed (HTTP ${statusCode})`) : notUnderstood(name);
    const failure = { code, statusCode, message, wait, description: data.data?.Message };
    return new CloudApiError(errorOf(name, keys, action, failure), code);
  }
  const text = error instanceof Error ? `${error.name} ${error.message}` : '';
  if (systemCode(error) !== null || /timeout|aborted|hang up|premature/i.test(text))
    return connectionFailure(name, error);
  return notUnderstood(name);
}

/** Calls ECS for one account in one region. */
export function createAliyunCall(
  name: string,
  account: AliyunAccount,
  region: string,
  options: CallOptions & { run: PacedCaller },
): AliyunCall {
  const keys = keysOf(account.name, variables);
  const call = createSdkCall(options.run, () => createClient(account, region, options.timeoutMs ?? callTimeoutMs));
  return (action, fields, answer) =>
    call(
      name,
      answer,
      async (ecs) => (await send(ecs, action, fields)).body,
      (error) => failureOf(name, keys, action, error),
    );
}
