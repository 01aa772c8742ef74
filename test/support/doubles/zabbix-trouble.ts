// A proxy before a real Zabbix that injects faults on request: a lost request, a lost answer, a refusal. It records the
// methods called.
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface ZabbixTrouble {
  url: string;
  /** Methods since the last `forget`, in order. */
  readonly methods: string[];
  /** What happens to the next call that changes something. */
  next(trouble: 'refuse' | 'drop_before' | 'drop_after'): void;
  forget(): void;
  close(): Promise<void>;
}

const refusal = { code: -32602, message: 'Invalid params.', data: 'this is not allowed' };

/** A proxy before the frontend at `target`. */
export async function zabbixTrouble(target: string): Promise<ZabbixTrouble> {
  const methods: string[] = [];
  let trouble: 'refuse' | 'drop_before' | 'drop_after' | null = null;
  const server = createServer((request, response) => {
    void handle(request).then(
      (answer) => {
        if (answer === null) request.socket.destroy();
        else response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
      },
      () => request.socket.destroy(),
    );
  });
  async function handle(request: IncomingMessage): Promise<{ status: number; body: string } | null> {
    const body = await buffer(request);
    const { method, id } = JSON.parse(body.toString('utf8')) as { method: string; id: number };
    methods.push(method);
    const meets = /\.(?:create|update)$/.test(method) ? trouble : null;
    if (meets !== null) trouble = null;
    if (meets === 'drop_before') return null;
    if (meets === 'refuse') return { status: 200, body: JSON.stringify({ jsonrpc: '2.0', error: refusal, id }) };
    const { authorization, 'content-type': type = '' } = request.headers;
    const headers = { 'content-type': type, ...(authorization && { authorization }) };
    const passed = await fetch(`${target}${request.url ?? ''}`, { method: 'POST', headers, body });
    const text = await passed.text();
    return meets === 'drop_after' ? null : { status: passed.status, body: text };
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    methods,
    next: (kind) => void (trouble = kind),
    forget: () => void methods.splice(0),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
