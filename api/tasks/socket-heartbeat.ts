// Proxies close a connection that is idle for a minute, and a client that vanishes goes unnoticed. So every connection gets
// a protocol ping, which WebSocket libraries return, and an event, since browsers do not expose pings to pages.
import type { WSContext } from 'hono/ws';
import type { WebSocket } from 'ws';

const pingEveryMs = 15_000;
const patienceRounds = 2;

interface Watched {
  socket: WebSocket;
  /** Pings sent since data was last received or consumed. */
  unanswered: number;
  /** Bytes buffered for a slow reader in the previous round. */
  waiting: number;
}

/** Sent in each round. */
const heartbeatEvent = JSON.stringify({ event: 'heartbeat' });

/** Pings connections, and cuts off those that have not responded for two rounds. */
export class Heartbeats {
  readonly #watched = new Map<WSContext, Watched>();
  readonly #timer: NodeJS.Timeout;

  constructor(everyMs = pingEveryMs) {
    this.#timer = setInterval(() => this.#round(), everyMs);
  }

  add(context: WSContext): void {
    const socket = context.raw as WebSocket;
    const watched: Watched = { socket, unanswered: 0, waiting: 0 };
    socket.on('pong', () => (watched.unanswered = 0));
    this.#watched.set(context, watched);
  }

  remove(context: WSContext): void {
    this.#watched.delete(context);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #round(): void {
    for (const watched of this.#watched.values()) this.#ping(watched);
  }

  #ping(watched: Watched): void {
    const { socket, waiting } = watched;
    // A ping queues behind earlier data: a reader that consumes data is alive.
    watched.waiting = socket.bufferedAmount;
    if (watched.waiting < waiting) watched.unanswered = 0;
    if (watched.unanswered >= patienceRounds) return socket.terminate();
    watched.unanswered += 1;
    socket.ping();
    socket.send(heartbeatEvent);
  }
}
