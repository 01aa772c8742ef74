// A provider's server on loopback that speaks its real protocol. What a provider does is a `Protocol`; what goes wrong on
// the way is done here, the same for all of them.
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Exchange {
  method: string;
  url: URL;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface DoubleReply {
  status: number;
  headers?: Record<string, string>;
  body: string;
}

/** What a provider says when it does not want to: as its API does, in its own words. */
type Refusal = 'refuse' | 'throttle' | 'expired';

interface Protocol {
  /** Whether the exchange changes a machine's power. */
  isPower(exchange: Exchange): boolean;
  /** Verifies the signature, then acts. */
  act(exchange: Exchange): DoubleReply;
  say(refusal: Refusal): DoubleReply;
}

/** `half`: the answer breaks off; `type`: right JSON, wrong content type; `hang`: no answer at all. */
export type Fault =
  | Refusal
  | 'hang'
  | 'drop_before'
  | 'drop_after'
  | 'half'
  | 'type'
  | 'html'
  | 'html_200'
  | 'empty'
  | 'redirect'
  | 'server_error';

export interface Double {
  url: string;
  port: number;
  /** What the next calls meet, those for power only or all of them. */
  meet(fault: Fault, on?: 'power' | 'any', times?: number): void;
  /** How many faults are yet to be met. */
  ahead(): number;
  /** Clears all faults. */
  mend(): void;
  /** Calls that came, refused ones too. */
  calls: Exchange[];
  close(): Promise<void>;
}

const page = '<html><body><h1>502 Bad Gateway</h1></body></html>';
const replies: Partial<Record<Fault, DoubleReply>> = {
  html: { status: 502, headers: { 'content-type': 'text/html' }, body: page },
  html_200: { status: 200, headers: { 'content-type': 'text/html' }, body: page },
  empty: { status: 200, headers: { 'content-type': 'application/json' }, body: '{}' },
  redirect: { status: 302, headers: { location: 'http://127.0.0.1:9/elsewhere' }, body: '' },
  server_error: { status: 500, headers: { 'content-type': 'application/json' }, body: '{"message":"oops"}' },
};

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

function send(response: ServerResponse, { status, headers, body }: DoubleReply): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
}

function sendHalf(response: ServerResponse, { status, body }: DoubleReply): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.write(body.slice(0, body.length / 2), () => response.destroy());
}

/** Applies the fault instead of, or after, the protocol's action. */
function meetFault(fault: Fault, protocol: Protocol, exchange: Exchange, response: ServerResponse): void {
  const reply = replies[fault];
  if (reply) return send(response, reply);
  switch (fault) {
    case 'refuse':
    case 'throttle':
    case 'expired':
      return send(response, protocol.say(fault));
    case 'drop_before':
      return void response.destroy();
    case 'drop_after':
      protocol.act(exchange);
      return void response.destroy();
    case 'half':
      return sendHalf(response, protocol.act(exchange));
    case 'type':
      return send(response, { ...protocol.act(exchange), headers: { 'content-type': 'text/plain' } });
    default:
  }
}

/** Serves the protocol on a free port of loopback. */
export async function serveDouble(protocol: Protocol): Promise<Double> {
  const ahead: { fault: Fault; on: 'power' | 'any' }[] = [];
  const calls: Exchange[] = [];
  const next = (exchange: Exchange): Fault | undefined => {
    const at = ahead.findIndex(({ on }) => on === 'any' || protocol.isPower(exchange));
    return at < 0 ? undefined : ahead.splice(at, 1)[0]?.fault;
  };
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const { method = '', headers } = request;
      const exchange = { method, url: new URL(request.url ?? '/', `http://${headers.host ?? ''}`), headers, body };
      calls.push(exchange);
      const fault = next(exchange);
      if (fault) meetFault(fault, protocol, exchange, response);
      else send(response, protocol.act(exchange));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    meet: (fault, on = 'power', times = 1) => {
      for (let time = 0; time < times; time += 1) ahead.push({ fault, on });
    },
    ahead: () => ahead.length,
    mend: () => void ahead.splice(0),
    calls,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
