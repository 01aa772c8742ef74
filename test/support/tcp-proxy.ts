// A way to a server over which a test decides.
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

/** Passes connections on; can be closed and opened again, and can lose its connections over something that is said. */
export class TcpProxy {
  readonly port: number;
  /** The next message with these bytes ends all connections: before the server has it, or before its answer is told. */
  losing: { over: string; when: 'before' | 'after' } | undefined;
  readonly #target: { host: string; port: number };
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  /** From `port` of this machine to `target`, `host:port`. */
  constructor(port: number, target: string) {
    const { hostname, port: there } = new URL(`tcp://${target}`);
    this.port = port;
    this.#target = { host: hostname, port: Number(there) };
  }

  async open(): Promise<void> {
    const server = createServer((socket) => this.#passOn(socket));
    this.#server = server;
    await new Promise<void>((listening) => server.listen(this.port, '127.0.0.1', listening));
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.#lose();
    if (server) await new Promise((closed) => server.close(closed));
  }

  #lose(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  #passOn(socket: Socket): void {
    const through = connect(this.#target);
    for (const [one, other] of [
      [socket, through],
      [through, socket],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => undefined).on('close', () => other.destroy());
    }
    let isDeaf = false;
    socket.on('data', (data) => {
      const { over, when } = this.losing ?? {};
      if (over !== undefined && data.includes(over)) {
        this.losing = undefined;
        isDeaf = true;
        if (when === 'before') {
          this.#lose();
          return;
        }
      }
      through.write(data);
    });
    through.on('data', (data) => {
      if (isDeaf) this.#lose();
      else socket.write(data);
    });
  }
}
