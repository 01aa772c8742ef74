// The one HTTP client for systems configured by an administrator or a user. Private networks are allowed; addresses that
// hand out a machine's credentials are refused, in the connection's own lookup. Follows no redirects, uses no proxy, and
// limits time and size. On node:http(s): `lookup`, `ca` and abort are there, so undici would be a dependency for little.
import { Agent as HttpAgent, request as plainRequest } from 'node:http';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as tlsRequest } from 'node:https';
import { isNever, isPrivate } from '../../kit/addresses.ts';
import { checkedLookup, neverCalled } from '../../kit/checked-lookup.ts';
import { listeningOn } from './addresses.ts';
import type { DestinationRule, HostPort } from './addresses.ts';

/** Common to all calls to a system. */
interface OutboundRules {
  /** PEM of the authority that signed the server's certificate, in place of the public ones. */
  ca?: string | undefined;
  /** Slipway's own servers, which are never called. */
  own?: readonly HostPort[];
  /** Allowed destinations of an address entered by a user. */
  allows?: DestinationRule;
  /** Calls carry a secret: unencrypted ones go to private addresses only. */
  isSecret?: boolean;
  /** Timeout of connecting, TLS included; default 10 s. */
  connectMs?: number;
  /** Most connections, which then stay open between calls; by default each call has its own. */
  connections?: number;
}

export interface OutboundRequest {
  url: URL;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  headers?: Record<string, string>;
  body?: string;
  signal?: AbortSignal;
  /** Timeout of the whole call; default 10 s. */
  timeoutMs?: number;
  /** Maximum response size; default 1 MB. */
  limitBytes?: number;
  /** Reads only the status of the response. */
  statusOnly?: boolean;
}

export interface OutboundAnswer {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

/** No complete response. The message never contains an address, a header or a body. */
export class OutboundError extends Error {
  /** A retry can't succeed: the address is not allowed. */
  readonly final: boolean;
  /** Of the network or TLS, such as ECONNREFUSED. */
  readonly code: string | undefined;

  constructor(message: string, { final = false, code }: { final?: boolean; code?: string } = {}) {
    super(message);
    this.name = 'OutboundFailure';
    this.final = final;
    this.code = code;
  }
}

const defaultTimeoutMs = 10_000;
const defaultLimitBytes = 2 ** 20;

const forbidden = (message: string): OutboundError => new OutboundError(message, { final: true });

/** Calls under one set of rules. Connections are never shared between clients: a kept one is not checked again. */
export class OutboundClient {
  readonly #rules: OutboundRules;
  readonly #agents: { 'http:': HttpAgent; 'https:': HttpsAgent } | undefined;

  constructor(rules: OutboundRules = {}) {
    this.#rules = rules;
    const { connections: maxSockets } = rules;
    if (maxSockets === undefined) return;
    const pool = { keepAlive: true, maxSockets };
    this.#agents = { 'http:': new HttpAgent(pool), 'https:': new HttpsAgent(pool) };
  }

  /** Sends one request; throws OutboundError unless the complete response arrives in time. */
  async send(wish: OutboundRequest): Promise<OutboundAnswer> {
    const { timeoutMs = defaultTimeoutMs } = wish;
    const late = AbortSignal.timeout(timeoutMs);
    const signal = wish.signal ? AbortSignal.any([wish.signal, late]) : late;
    try {
      return await readAnswer(await this.open({ ...wish, signal }), wish);
    } catch (error) {
      if (wish.signal?.aborted) throw new OutboundError('the call was cancelled');
      throw late.aborted ? new OutboundError(`no answer within ${timeoutMs / 1000} s`) : failureOf(error);
    }
  }

  /** Sends one request and returns the response once its headers are there; only the signal limits its body. */
  async open({ url, method, headers = {}, body, signal }: OutboundRequest): Promise<IncomingMessage> {
    const isTls = url.protocol === 'https:';
    const { ca, connectMs = defaultTimeoutMs } = this.#rules;
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const lookup = checkedLookup(url.hostname, await this.#refusal(url));
    const options: RequestOptions & { ca?: string } = {
      method,
      headers: { ...headers, ...length },
      lookup,
      // Without a pool a connection of its own; the global agent would use proxies of the environment.
      agent: this.#agents?.[isTls ? 'https:' : 'http:'] ?? false,
      ...(signal && { signal }),
      ...(ca !== undefined && { ca }),
    };
    return await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = (isTls ? tlsRequest : plainRequest)(url, options, resolve);
      limitConnecting(sent, isTls, connectMs);
      sent.on('error', (error) => reject(failureOf(error)));
      sent.end(body);
    });
  }

  /** Why an address of this URL is not called. */
  async #refusal({ protocol, hostname, port }: URL): Promise<(address: string) => OutboundError | null> {
    const { own = [], allows, isSecret = false } = this.#rules;
    const servers = await listeningOn(own, Number(port || (protocol === 'https:' ? 443 : 80)));
    return (address) => {
      if (isNever(address)) return forbidden(neverCalled);
      if (servers.has(address)) return forbidden("it is one of Slipway's own servers, which is never called");
      if (allows && !allows(hostname, address))
        return forbidden("its address is the worker's own machine, or not among those that are allowed");
      return isSecret && protocol === 'http:' && !isPrivate(address)
        ? forbidden('http is for private addresses only, use https')
        : null;
    };
  }
}

/** One call on a connection of its own. */
export const outbound = (wish: OutboundRules & OutboundRequest): Promise<OutboundAnswer> =>
  new OutboundClient(wish).send(wish);

function limitConnecting(sent: ClientRequest, isTls: boolean, connectMs: number): void {
  sent.once('socket', (socket) => {
    if (!socket.connecting) return;
    const late = new OutboundError(`no connection within ${connectMs / 1000} s`);
    const timer = setTimeout(() => sent.destroy(late), connectMs);
    const clear = (): void => clearTimeout(timer);
    socket.once(isTls ? 'secureConnect' : 'connect', clear);
    sent.once('close', clear);
  });
}

async function readAnswer(
  answer: IncomingMessage,
  { limitBytes: limit = defaultLimitBytes, statusOnly = false }: OutboundRequest,
): Promise<OutboundAnswer> {
  const { statusCode: status = 0, headers } = answer;
  if (statusOnly) {
    answer.destroy();
    return { status, headers, body: Buffer.alloc(0) };
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new OutboundError(`its answer is longer than ${limit} bytes`);
    chunks.push(chunk);
  }
  if (!answer.complete) throw new OutboundError('its answer is cut off');
  return { status, headers, body: Buffer.concat(chunks) };
}

/** Network error messages may quote the request; their code suffices. */
function failureOf(error: unknown): OutboundError {
  if (error instanceof OutboundError) return error;
  const { code } = Object(error) as { code?: unknown };
  if (typeof code !== 'string') return new OutboundError('no connection (no answer)');
  return new OutboundError(`no connection (${code})`, { code });
}
