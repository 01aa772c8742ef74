// Client of Zabbix's JSON-RPC. One login serves all calls; when the server ends the session, logs in once more and repeats
// the call. Authentication depends on the server's version, which is queried once.
import { z } from 'zod';
import { ProviderError, refused, unavailable } from '../error.ts';
import { outbound, OutboundError } from '../outbound.ts';
import type { OutboundAnswer } from '../outbound.ts';

export interface ZabbixAccess {
  /** The frontend's URL, with or without `api_jsonrpc.php`. */
  url: string;
  /** Alternative to user and password. */
  token?: string | undefined;
  user?: string | undefined;
  password?: string | undefined;
  /** PEM; see `OutboundRequest`. */
  ca?: string | undefined;
  timeoutMs?: number;
}

/** Major and minor as one comparable number: 6.4 is 604. */
type ZabbixVersion = number;

export interface ZabbixRpc {
  version(): Promise<ZabbixVersion>;
  /** Throws ProviderError. */
  call<T>(method: string, params: object, shape: z.ZodType<T>): Promise<T>;
}

export const provider = 'zabbix';

/** A refusal by Zabbix itself, with its message; `ended`: the session has expired. */
class RpcRefusedError extends ProviderError {
  readonly ended: boolean;

  constructor(message: string, ended: boolean) {
    super('refused', provider, message);
    this.ended = ended;
  }
}

const answerShape = z.union([
  z.object({ error: z.object({ code: z.number(), message: z.string(), data: z.string().default('') }) }),
  z.object({ result: z.unknown() }),
]);

const longestAnswer = 8 * 2 ** 20;
const longestReason = 300;
const sessionEnded = /re-?login|not authori[sz]ed|session terminated/i;
/** The frontend's code for an unreachable database. */
const frontendFailure = 1;
const internalError = -32603;

/** `user.login` takes `username` since 5.4; 6.4 also accepts the token as a header, 7.2 only so. */
const usernameSince = 504;
const bearerSince = 604;

/** Creates a client of one Zabbix. */
export function createZabbixRpc(access: ZabbixAccess): ZabbixRpc {
  const url = new URL(access.url.endsWith('.php') ? access.url : `${access.url.replace(/\/+$/, '')}/api_jsonrpc.php`);
  const version = once(async () => parseVersion(await send('apiinfo.version', {}, null)));
  const session = once(async () => login());
  let calls = 0;

  async function send(method: string, params: object, auth: string | null): Promise<unknown> {
    const bearer = auth !== null && (await version.get()) >= bearerSince;
    const answer = await post(access, url, {
      headers: { 'content-type': 'application/json-rpc', ...(bearer && { authorization: `Bearer ${auth}` }) },
      body: JSON.stringify({
        jsonrpc: '2.0',
        method,
        params,
        id: (calls += 1),
        ...(auth !== null && !bearer && { auth }),
      }),
    });
    return resultOf(answer, [access.password, access.token, auth]);
  }

  async function login(): Promise<string> {
    if (access.token !== undefined) return access.token;
    const key = (await version.get()) >= usernameSince ? 'username' : 'user';
    const found = await send('user.login', { [key]: access.user ?? '', password: access.password ?? '' }, null);
    return parsed(z.string().min(1), found, 'user.login');
  }

  return {
    version: version.get,
    async call(method, params, shape) {
      const auth = await session.get();
      try {
        return parsed(shape, await send(method, params, auth), method);
      } catch (error) {
        if (!(error instanceof RpcRefusedError) || !error.ended || access.token !== undefined) throw error;
        session.forget(auth);
        return parsed(shape, await send(method, params, await session.get()), method);
      }
    },
  };
}

/** Memoises a request unless it fails; concurrent callers share one request. */
function once<T>(ask: () => Promise<T>): { get(): Promise<T>; forget(value: T): void } {
  let asked: Promise<T> | undefined;
  let known: T | undefined;
  return {
    get: () => {
      asked ??= ask().then(
        (value) => (known = value),
        (error: unknown) => {
          asked = undefined;
          throw error;
        },
      );
      return asked;
    },
    forget: (value) => {
      if (known === value) [asked, known] = [undefined, undefined];
    },
  };
}

function parseVersion(found: unknown): ZabbixVersion {
  const [, major, minor] = /^(\d+)\.(\d+)\./.exec(typeof found === 'string' ? found : '') ?? [];
  if (major === undefined || minor === undefined) throw unavailable(provider, 'Zabbix does not say its version');
  return Number(major) * 100 + Number(minor);
}

function parsed<T>(shape: z.ZodType<T>, found: unknown, method: string): T {
  const result = shape.safeParse(found);
  if (result.success) return result.data;
  throw unavailable(provider, `Zabbix answered ${method} with something else than is documented`);
}

async function post(
  { ca, timeoutMs }: ZabbixAccess,
  url: URL,
  message: { headers: Record<string, string>; body: string },
): Promise<OutboundAnswer> {
  const limits = { limitBytes: longestAnswer, ...(timeoutMs !== undefined && { timeoutMs }) };
  try {
    return await outbound({ url, method: 'POST', ...message, ca, ...limits });
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error;
    throw (error.final ? refused : unavailable)(provider, `Zabbix: ${error.message}`);
  }
}

function resultOf({ status, body }: OutboundAnswer, secrets: readonly (string | null | undefined)[]): unknown {
  if (status >= 500 || status === 429 || status === 408) throw unavailable(provider, `Zabbix answered HTTP ${status}`);
  if (status !== 200) throw refused(provider, `Zabbix answered HTTP ${status}; check SLIPWAY_ZABBIX_URL`);
  const answer = answerShape.safeParse(jsonOf(body));
  if (!answer.success) throw unavailable(provider, 'Zabbix did not answer with JSON-RPC');
  if (!('error' in answer.data)) return answer.data.result;
  const { code, message, data } = answer.data.error;
  if (code === frontendFailure || code === internalError)
    throw unavailable(provider, 'the Zabbix frontend fails; see its log');
  const said = withoutSecrets(data || message, secrets).slice(0, longestReason);
  throw new RpcRefusedError(`Zabbix: ${said}`, sessionEnded.test(`${message} ${data}`));
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

const withoutSecrets = (text: string, secrets: readonly (string | null | undefined)[]): string =>
  secrets.reduce<string>((kept, secret) => (secret ? kept.replaceAll(secret, '[hidden]') : kept), text);
