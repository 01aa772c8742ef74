// One HTTP call to a system configured by an administrator. Private networks are allowed; addresses that hand out a
// machine's credentials are refused. They are checked in the connection's own lookup, which rules out DNS rebinding. Follows
// no redirects, and limits the size of responses.
import { lookup } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import { request as plainRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { isNever, literalAddress } from '../../kit/addresses.ts';
import { listeningOn } from './addresses.ts';
import type { DestinationRule, HostPort } from './addresses.ts';

interface OutboundRequest {
  url: URL;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  headers?: Record<string, string>;
  body?: string;
  /** PEM of the authority that signed the server's certificate, in place of the public ones. */
  ca?: string | undefined;
  /** Timeout of the whole call; default 10 s. */
  timeoutMs?: number;
  /** Maximum response size; default 1 MB. */
  limitBytes?: number;
  /** Reads only the status of the response. */
  statusOnly?: boolean;
  /** Slipway's own servers, which are never called. */
  own?: readonly HostPort[];
  /** Allowed destinations of an address entered by a user. */
  allows?: DestinationRule;
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

  constructor(message: string, final = false) {
    super(message);
    this.name = 'OutboundFailure';
    this.final = final;
  }
}

const defaultTimeoutMs = 10_000;
const defaultLimitBytes = 2 ** 20;

const notAllowed = (): OutboundError =>
  new OutboundError('its address is link-local or a metadata service, which is never called', true);
const ownServer = (): OutboundError =>
  new OutboundError("it is one of Slipway's own servers, which is never called", true);

const notAllowedHere = (): OutboundError =>
  new OutboundError("its address is the worker's own machine, or not among those that are allowed", true);

type Refusal = (address: string) => OutboundError | null;

async function refusalFor({ url, own = [], allows }: OutboundRequest, port: number): Promise<Refusal> {
  const servers = await listeningOn(own, port);
  return (address) => {
    if (isNever(address)) return notAllowed();
    if (servers.has(address)) return ownServer();
    return allows && !allows(url.hostname, address) ? notAllowedHere() : null;
  };
}

const checkedLookup =
  (refusal: Refusal): LookupFunction =>
  (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
      if (error) return callback(error, '', 4);
      const [first] = found;
      const refused = found.map(({ address }) => refusal(address)).find((one) => one !== null);
      if (!first) callback(new OutboundError('its name has no address'), '', 4);
      else if (refused) callback(refused, '', 4);
      else if (options.all) callback(null, found);
      else callback(null, first.address, first.family);
    });
  };

/** Sends one request; throws OutboundError unless the complete response arrives in time. */
export async function outbound(wish: OutboundRequest): Promise<OutboundAnswer> {
  const { url, method, headers = {}, body, ca, timeoutMs = defaultTimeoutMs } = wish;
  const isTls = url.protocol === 'https:';
  const refusal = await refusalFor(wish, Number(url.port || (isTls ? 443 : 80)));
  const literal = literalAddress(url.hostname);
  const refused = literal === null ? null : refusal(literal);
  if (refused) throw refused;
  const send = isTls ? tlsRequest : plainRequest;
  const signal = AbortSignal.timeout(timeoutMs);
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const options = {
    method,
    headers: { ...headers, ...length },
    lookup: checkedLookup(refusal),
    signal,
    ...(ca && { ca }),
  };
  try {
    return await new Promise((resolve, reject) => {
      const sent = send(url, options, (answer) => {
        readAnswer(answer, wish).then(resolve, reject);
      });
      sent.on('error', reject);
      sent.end(body);
    });
  } catch (error) {
    throw signal.aborted ? new OutboundError(`no answer within ${timeoutMs / 1000} s`) : failureOf(error);
  }
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
  return { status, headers, body: Buffer.concat(chunks) };
}

/** Network error messages may quote the request; their code suffices. */
function failureOf(error: unknown): OutboundError {
  if (error instanceof OutboundError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'no answer';
  return new OutboundError(`no connection (${code})`);
}
