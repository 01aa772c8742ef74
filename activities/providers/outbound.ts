// One HTTP call to a system that an administrator has named. Private networks are what an operations tool is for; the
// addresses that hand out a machine's own credentials are refused, and they are checked in the connection's own lookup, so
// that a name can't change its mind in between. No redirect is followed, and no answer is read without end.
import { lookup } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import { request as plainRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { BlockList, isIP } from 'node:net';
import type { LookupFunction } from 'node:net';

export interface OutboundRequest {
  url: URL;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  headers?: Record<string, string>;
  body?: string;
  /** PEM of the authority that signed the server's certificate, in place of the public ones. */
  ca?: string | undefined;
  /** For the whole call; 10 s. */
  timeoutMs?: number;
  /** Longest answer; 1 MB. */
  limitBytes?: number;
}

export interface OutboundAnswer {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

/** No answer, or not all of it. The message names what happened, never an address, a header or a body. */
export class OutboundFailure extends Error {
  /** Asking again gives the same: the address is not allowed. */
  readonly final: boolean;

  constructor(message: string, final = false) {
    super(message);
    this.name = 'OutboundFailure';
    this.final = final;
  }
}

const defaultTimeoutMs = 10_000;
const defaultLimitBytes = 2 ** 20;

const refusedAddresses = new BlockList();
refusedAddresses.addSubnet('169.254.0.0', 16, 'ipv4');
refusedAddresses.addAddress('100.100.100.200', 'ipv4');
refusedAddresses.addSubnet('0.0.0.0', 8, 'ipv4');
refusedAddresses.addSubnet('fe80::', 10, 'ipv6');
refusedAddresses.addAddress('fd00:ec2::254', 'ipv6');
refusedAddresses.addAddress('::', 'ipv6');

/** Whether nothing of Slipway may connect there: link-local addresses and the clouds' metadata services. */
export const isRefusedAddress = (address: string): boolean =>
  isIP(address) === 0 || refusedAddresses.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

const notAllowed = (): OutboundFailure =>
  new OutboundFailure('its address is link-local or a metadata service, which is never called', true);

const checkedLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
    if (error) return callback(error, '', 4);
    const [first] = found;
    if (!first) callback(new OutboundFailure('its name has no address'), '', 4);
    else if (found.some(({ address }) => isRefusedAddress(address))) callback(notAllowed(), '', 4);
    else if (options.all) callback(null, found);
    else callback(null, first.address, first.family);
  });
};

/** Sends one request; throws `OutboundFailure` unless the whole answer came in time. */
export async function outbound(wish: OutboundRequest): Promise<OutboundAnswer> {
  const { url, method, headers = {}, body, ca, timeoutMs = defaultTimeoutMs } = wish;
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(literal) !== 0 && isRefusedAddress(literal)) throw notAllowed();
  const send = url.protocol === 'https:' ? tlsRequest : plainRequest;
  const signal = AbortSignal.timeout(timeoutMs);
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const options = { method, headers: { ...headers, ...length }, lookup: checkedLookup, signal, ...(ca && { ca }) };
  try {
    return await new Promise((resolve, reject) => {
      const sent = send(url, options, (answer) => {
        readAnswer(answer, wish.limitBytes ?? defaultLimitBytes).then(resolve, reject);
      });
      sent.on('error', reject);
      sent.end(body);
    });
  } catch (error) {
    throw signal.aborted ? new OutboundFailure(`no answer within ${timeoutMs / 1000} s`) : failureOf(error);
  }
}

async function readAnswer(answer: IncomingMessage, limit: number): Promise<OutboundAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new OutboundFailure(`its answer is longer than ${limit} bytes`);
    chunks.push(chunk);
  }
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) };
}

/** Texts of the network's errors may quote what was sent; their code says enough. */
function failureOf(error: unknown): OutboundFailure {
  if (error instanceof OutboundFailure) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'no answer';
  return new OutboundFailure(`no connection (${code})`);
}
