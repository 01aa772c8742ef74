// The wire in front of salt-api: it counts what passes, may lose an answer after the server has acted, and may make tokens
// unknown to it, as they are to one that was started again.
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SaltWire {
  readonly url: string;
  /** Calls that passed, as `client fun`, with what they were sent to. */
  readonly calls: { name: string; targets: number }[];
  /** Loses the answers to so many publishes. */
  losePublishes(count: number): void;
  /** From now on tokens that passed are unknown. */
  forgetTokens(): void;
  stop(): Promise<void>;
}

interface Low {
  client?: string;
  fun?: string;
  tgt?: unknown[];
}

export async function openWire(target: string): Promise<SaltWire> {
  const calls: SaltWire['calls'] = [];
  let toLose = 0;
  const seen = new Set<unknown>();
  const forgotten = new Set<unknown>();
  const server = createServer((incoming, outgoing) => {
    const blocks: Buffer[] = [];
    incoming.on('data', (block: Buffer) => blocks.push(block));
    incoming.on('end', () => {
      const body = Buffer.concat(blocks);
      const [low] = incoming.url === '/' ? (JSON.parse(body.toString()) as Low[]) : [];
      if (low) calls.push({ name: `${low.client} ${low.fun}`, targets: low.tgt?.length ?? 0 });
      const loses = low?.client === 'local_async' && toLose > 0;
      if (loses) toLose -= 1;
      const { method = 'POST', headers } = incoming;
      const token = headers['x-auth-token'];
      if (token !== undefined) seen.add(token);
      const known = forgotten.has(token) ? { ...headers, 'x-auth-token': 'forgotten' } : headers;
      const onward = request(new URL(incoming.url ?? '/', target), { method, headers: known });
      // The event bus has no end of its own.
      outgoing.once('close', () => onward.destroy());
      onward.once('response', (answer) => {
        if (loses) {
          answer.resume().once('end', () => incoming.socket.destroy());
          return;
        }
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(outgoing);
      });
      onward.once('error', () => incoming.socket.destroy());
      onward.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    losePublishes: (count) => {
      toLose = count;
    },
    forgetTokens: () => {
      for (const token of seen) forgotten.add(token);
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
