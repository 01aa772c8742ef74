// JSON over HTTP to salt-api, limited in time and size, without redirects, and unencrypted only within a private network.
import { lookup } from 'node:dns';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { AgentOptions, ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { isNever, isPrivate } from '../../../../kit/addresses.ts';
import { unavailable } from '../../error.ts';

const mostAnswered = 32 * 2 ** 20;
const mostAtOnce = 8;
const aliveEveryMs = 10_000;

/** Checks addresses at resolution: refuses forbidden ones, and public ones without TLS. */
const checkedLookup =
  (isClear: boolean): LookupFunction =>
  (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '');
      const [first] = found;
      if (!first || found.some(({ address }) => isNever(address)))
        return callback(new Error('its address is link-local or a metadata service, which is never called'), '');
      if (isClear && !found.every(({ address }) => isPrivate(address)))
        return callback(new Error('http is for private addresses only, use https'), '');
      if (options.all) callback(null, found);
      else callback(null, first.address, first.family);
    });
  };

interface HttpAnswer {
  status: number;
  body: unknown;
}

export class JsonClient {
  readonly #base: URL;
  readonly #options: RequestOptions;
  /** A stream occupies its own connection while it lasts. */
  readonly #streamed: RequestOptions;
  readonly #isClear: boolean;

  constructor(address: string, ca: string | undefined) {
    this.#base = new URL(`${address}/`);
    this.#isClear = this.#base.protocol === 'http:';
    const over = (pool: AgentOptions): RequestOptions =>
      this.#isClear
        ? { agent: new HttpAgent(pool), lookup: checkedLookup(true) }
        : { agent: new HttpsAgent({ ...pool, ...(ca !== undefined && { ca }) }), lookup: checkedLookup(false) };
    this.#options = over({ keepAlive: true, maxSockets: mostAtOnce });
    this.#streamed = over({});
  }

  /** Posts JSON; throws `unavailable` on a timeout. Errors never quote the request. */
  post(path: string, body: unknown, headers: Record<string, string>, patienceMs: number): Promise<HttpAnswer> {
    const text = JSON.stringify(body);
    const options = {
      ...this.#options,
      method: 'POST',
      headers: {
        ...headers,
        'content-type': 'application/json',
        accept: 'application/json',
        'content-length': Buffer.byteLength(text),
      },
      signal: AbortSignal.timeout(patienceMs),
    };
    return new Promise<HttpAnswer>((resolve, reject) => {
      const fail = (error: Error & { code?: string }): void => {
        const reason = error.name === 'AbortError' ? `nothing within ${patienceMs / 1000} seconds` : error.code;
        reject(noAnswer(reason ?? error.message));
      };
      const call = this.#send(path, options, (response) => {
        read(response).then(resolve, fail);
      });
      call.once('error', fail);
      call.end(text);
    });
  }

  /**
   * Gets a stream; returns its status, and an end that resolves when it ends for any reason. Passes each line to `onLine`.
   * Does not keep the process alive.
   */
  stream(path: string, headers: Record<string, string>, onLine: (line: string) => void, signal: AbortSignal) {
    const options = { ...this.#streamed, method: 'GET', headers, signal };
    return new Promise<{ status: number; end: Promise<void> }>((resolve, reject) => {
      const call = this.#send(path, options, (response) => {
        response.socket.setKeepAlive(true, aliveEveryMs).unref();
        const end = eachLine(response, onLine).catch(() => undefined);
        resolve({ status: response.statusCode ?? 0, end });
      });
      call.on('error', (error: Error & { code?: string }) => reject(noAnswer(error.code ?? error.message)));
      call.end();
    });
  }

  #send(path: string, options: RequestOptions, onAnswer: (response: IncomingMessage) => void): ClientRequest {
    const send = this.#isClear ? httpRequest : httpsRequest;
    return send(new URL(path, this.#base), options, onAnswer);
  }
}

const noAnswer = (reason: string) => unavailable('salt', `salt-api does not answer: ${reason}`);

async function eachLine(response: IncomingMessage, onLine: (line: string) => void): Promise<void> {
  response.setEncoding('utf8');
  let begun = '';
  for await (const text of response as AsyncIterable<string>) {
    const [first = '', ...others] = text.split('\n');
    begun += first;
    if (begun.length > mostAnswered) throw new Error('a line of it is too long');
    for (const next of others) {
      onLine(begun);
      begun = next;
    }
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
