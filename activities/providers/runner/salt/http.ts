// JSON over HTTP to salt-api, limited in time and size, and unencrypted only within a private network.
import type { IncomingMessage } from 'node:http';
import { unavailable } from '../../error.ts';
import { OutboundClient, OutboundError } from '../../outbound.ts';

const mostAnswered = 32 * 2 ** 20;
const mostAtOnce = 8;
const aliveEveryMs = 10_000;

interface HttpAnswer {
  status: number;
  body: unknown;
}

export class JsonClient {
  readonly #base: URL;
  readonly #calls: OutboundClient;
  /** A stream occupies its own connection while it lasts. */
  readonly #streams: OutboundClient;

  constructor(address: string, ca: string | undefined) {
    this.#base = new URL(`${address}/`);
    this.#calls = new OutboundClient({ ca, isSecret: true, connections: mostAtOnce });
    this.#streams = new OutboundClient({ ca, isSecret: true });
  }

  /** Posts JSON; throws `unavailable` on a timeout. Errors never quote the request. */
  async post(path: string, body: unknown, headers: Record<string, string>, timeoutMs: number): Promise<HttpAnswer> {
    const all = { ...headers, 'content-type': 'application/json', accept: 'application/json' };
    const request = { url: new URL(path, this.#base), method: 'POST', headers: all } as const;
    const limits = { timeoutMs, limitBytes: mostAnswered };
    const answer = await this.#calls.send({ ...request, ...limits, body: JSON.stringify(body) }).catch(noAnswer);
    return { status: answer.status, body: parsed(answer.body) };
  }

  /**
   * Gets a stream; returns its status, and an end that resolves when it ends for any reason. Passes each line to `onLine`.
   * Does not keep the process alive.
   */
  async stream(path: string, headers: Record<string, string>, onLine: (line: string) => void, signal: AbortSignal) {
    const request = { url: new URL(path, this.#base), method: 'GET', headers, signal } as const;
    const response = await this.#streams.open(request).catch(noAnswer);
    response.socket.setKeepAlive(true, aliveEveryMs).unref();
    const end = eachLine(response, onLine).catch(() => undefined);
    return { status: response.statusCode ?? 0, end };
  }
}

function noAnswer(error: unknown): never {
  if (!(error instanceof OutboundError)) throw error;
  throw unavailable('salt', `salt-api does not answer: ${error.code ?? error.message}`);
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return null;
  }
}

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
