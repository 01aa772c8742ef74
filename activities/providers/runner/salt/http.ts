// JSON over HTTP to salt-api: bounded in time and size, without redirects, and in the clear only within a private network.
import { lookup } from 'node:dns';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { BlockList, isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { unavailable } from '../../error.ts';

const mostAnswered = 32 * 2 ** 20;
const mostAtOnce = 8;

const privateNetworks = new BlockList();
for (const [network, prefix] of [
  ...([
    ['127.0.0.0', 8],
    ['10.0.0.0', 8],
    ['172.16.0.0', 12],
    ['192.168.0.0', 16],
    ['100.64.0.0', 10],
  ] as const),
]) {
  privateNetworks.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::1', 128],
  ['fc00::', 7],
] as const)
  privateNetworks.addSubnet(network, prefix, 'ipv6');

const privateLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found) => {
    if (error) return callback(error, '');
    const isFine = found.every(({ address }) => privateNetworks.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'));
    const [first] = found;
    if (!isFine || !first) return callback(new Error('http is for private addresses only, use https'), '');
    if (options.all) callback(null, found);
    else callback(null, first.address, first.family);
  });
};

export interface HttpAnswer {
  status: number;
  body: unknown;
}

export class JsonClient {
  readonly #base: URL;
  readonly #options: RequestOptions;
  readonly #isClear: boolean;

  constructor(address: string, ca: string | undefined) {
    this.#base = new URL(`${address}/`);
    this.#isClear = this.#base.protocol === 'http:';
    const pool = { keepAlive: true, maxSockets: mostAtOnce };
    this.#options = this.#isClear
      ? { agent: new HttpAgent(pool), lookup: privateLookup }
      : { agent: new HttpsAgent({ ...pool, ...(ca !== undefined && { ca }) }) };
  }

  /** Posts JSON; throws `unavailable` when nobody answers in time. What is thrown never quotes what was sent. */
  post(path: string, body: unknown, headers: Record<string, string>, patienceMs: number): Promise<HttpAnswer> {
    const text = JSON.stringify(body);
    const send = this.#isClear ? httpRequest : httpsRequest;
    const options = {
      ...this.#options,
      method: 'POST',
      headers: {
        ...headers,
        ...{
          'content-type': 'application/json',
          accept: 'application/json',
          'content-length': Buffer.byteLength(text),
        },
      },
      signal: AbortSignal.timeout(patienceMs),
    };
    return new Promise<HttpAnswer>((resolve, reject) => {
      const fail = (error: Error & { code?: string }): void => {
        const reason = error.name === 'AbortError' ? `nothing within ${patienceMs / 1000} seconds` : error.code;
        reject(unavailable('salt', `salt-api does not answer: ${reason ?? error.message}`));
      };
      const call: ClientRequest = send(new URL(path, this.#base), options, (response) => {
        read(response).then(resolve, fail);
      });
      call.once('error', fail);
      call.end(text);
    });
  }
}

async function read(response: IncomingMessage): Promise<HttpAnswer> {
  const blocks: Buffer[] = [];
  let size = 0;
  for await (const block of response as AsyncIterable<Buffer>) {
    size += block.length;
    if (size > mostAnswered) throw new Error('its answer is too long');
    blocks.push(block);
  }
  if (!response.complete) throw new Error('its answer is cut off');
  const status = response.statusCode ?? 0;
  try {
    return { status, body: JSON.parse(Buffer.concat(blocks).toString()) };
  } catch {
    return { status, body: null };
  }
}
